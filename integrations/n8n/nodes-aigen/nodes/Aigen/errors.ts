import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import type { INode, INodeExecutionData, JsonObject } from 'n8n-workflow';

import { explainAnswer, explainSilence } from '../shared/advice';
import type { Proof } from '../shared/advice';
import type { Delivery } from '../shared/callback';
import { Fault } from '../shared/fault';

export type NodeFault = NodeApiError | NodeOperationError;

/** Whatever was thrown, as n8n shows errors: with the item and, where it is known, what to do. */
export function asNodeError(node: INode, error: Error, itemIndex: number): NodeFault {
	if (error instanceof NodeApiError || error instanceof NodeOperationError) return error;
	const description = error instanceof Fault ? error.advice : undefined;
	return new NodeOperationError(node, error.message, { itemIndex, description });
}

/** Why a report was not taken. */
export function undelivered(
	node: INode,
	delivery: Exclude<Delivery, { kind: 'taken' }>,
	url: string,
	proof: Proof,
	itemIndex: number,
): NodeFault {
	if (delivery.kind === 'unreachable') {
		const explanation = explainSilence(delivery.cause, url, delivery.tries);
		const cause = { message: delivery.cause.message } as JsonObject;
		return new NodeApiError(node, cause, { ...explanation, itemIndex });
	}
	const { answer } = delivery;
	const explanation = explainAnswer(answer, proof);
	const httpCode = String(answer.statusCode);
	return new NodeApiError(node, { httpCode } as JsonObject, {
		...explanation,
		httpCode,
		itemIndex,
	});
}

/** What goes on instead of a result where the workflow is to continue after errors. */
export function failedItem(error: NodeFault, items: number[]): INodeExecutionData {
	return {
		json: { error: error.message, description: error.description ?? '' },
		error,
		pairedItem: items.map((item) => ({ item })),
	};
}
