import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { deliver, proveByToken } from '../shared/callback';
import type { Answer, Delivery, Send } from '../shared/callback';
import type { Proof } from '../shared/advice';
import { findJob } from '../shared/findJob';
import type { Job } from '../shared/job';
import type { Report } from '../shared/report';
import { asNodeError, failedItem, undelivered } from './errors';
import type { NodeFault } from './errors';
import { makeReport } from './makeReport';

/** The items of the input that belong to one job. */
interface Group {
	job: Job;
	items: number[];
}

/**
 * Sends one report for each job among the items. Jobs are reported on one after the other: a workflow
 * that handles many at once has many executions.
 */
export async function sendReports(
	this: IExecuteFunctions,
	operation: string,
): Promise<INodeExecutionData[]> {
	const results: INodeExecutionData[] = [];
	const fail = (error: NodeFault, items: number[]) => {
		if (!this.continueOnFail()) throw error;
		results.push(failedItem(error, items));
	};
	for (const group of groupByJob.call(this, fail)) {
		try {
			const report = makeReport.call(this, operation, group.job, group.items);
			results.push(...(await send.call(this, group, report)));
		} catch (error) {
			fail(asNodeError(this.getNode(), error as Error, group.items[0] ?? 0), group.items);
		}
	}
	return results;
}

function groupByJob(
	this: IExecuteFunctions,
	fail: (error: NodeFault, items: number[]) => void,
): Group[] {
	const groups = new Map<string, Group>();
	this.getInputData().forEach((_, item) => {
		try {
			const job = findJob.call(this, item);
			const group = groups.get(job.jobId) ?? { job, items: [] };
			group.items.push(item);
			groups.set(job.jobId, group);
		} catch (error) {
			fail(asNodeError(this.getNode(), error as Error, item), [item]);
		}
	});
	return [...groups.values()];
}

async function send(
	this: IExecuteFunctions,
	{ job, items }: Group,
	report: Report,
): Promise<INodeExecutionData[]> {
	const first = items[0] ?? 0;
	const proof = this.getNodeParameter('authentication', first) as Proof;
	// A credential that is missing is told at once, not after all the tries.
	if (proof === 'signature') await this.getCredentials('aigenApi', first);
	const options = this.getNodeParameter('options', first) as { timeout?: number; tries?: number };
	const isProgress = report.stage === 'progress';
	const delivery = await deliver(senderFor.call(this, proof, job), job, report, {
		tries: isProgress ? 1 : (options.tries ?? 7), // of no use when it comes late
		timeout: (options.timeout ?? 30) * 1000,
		isCancelled: () => this.getExecutionCancelSignal()?.aborted ?? false,
	});
	if (isProgress && isPassing(delivery))
		return passOn.call(this, items, { outcome: 'not_delivered' });
	if (delivery.kind !== 'taken') {
		throw undelivered(this.getNode(), delivery, job.callback.url, proof, first);
	}
	const { outcome, status } = delivery;
	if (isProgress) return passOn.call(this, items, { outcome, status });
	const { generationId, jobId, stage } = report;
	const json: IDataObject = { outcome, status, stage, generationId, jobId };
	return [{ json, pairedItem: items.map((item) => ({ item })) }];
}

/** Nothing depends on a report of progress: that it is lost must not end a paid job. */
function isPassing(delivery: Delivery): boolean {
	return (
		delivery.kind === 'unreachable' ||
		(delivery.kind === 'refused' && delivery.answer.statusCode >= 500)
	);
}

/** The items as they came, so that progress can be reported from between two other nodes. */
function passOn(
	this: IExecuteFunctions,
	items: number[],
	aigen: IDataObject,
): INodeExecutionData[] {
	const input = this.getInputData();
	return items.map((item) => ({
		...input[item],
		json: { ...input[item]?.json, aigen },
		pairedItem: { item },
	}));
}

function senderFor(this: IExecuteFunctions, proof: Proof, job: Job): Send {
	if (proof === 'signature') {
		return async (request) =>
			(await this.helpers.httpRequestWithAuthentication.call(this, 'aigenApi', request)) as Answer;
	}
	return async (request) => (await this.helpers.httpRequest(proveByToken(request, job))) as Answer;
}
