import type { IExecuteFunctions } from 'n8n-workflow';

import { Fault } from './fault';
import { isJob, readJob } from './job';
import type { Job } from './job';

const NOT_FOUND =
	'Connect this node behind the aigen Trigger or an aigen "Parse Job", or set "Job" to "Define Below" and name the job, such as {{ $(\'aigen Trigger\').item.json }}. A Code node in between must keep the items linked (pairedItem).';

/** The job that an item of the input belongs to. */
export function findJob(this: IExecuteFunctions, itemIndex: number): Job {
	if (this.getNodeParameter('jobSource', itemIndex) === 'define') {
		return readJob(this.getNodeParameter('job', itemIndex));
	}
	const own: unknown = this.getInputData()[itemIndex]?.json;
	if (isJob(own)) return own;
	for (const name of jobNodes.call(this)) {
		const job = jobAt.call(this, name, itemIndex);
		if (job !== undefined) return job;
	}
	throw new Fault('No job was found for this item', NOT_FOUND);
}

/** The names of the nodes before this one that give out jobs. */
function jobNodes(this: IExecuteFunctions): string[] {
	return this.getParentNodes(this.getNode().name, { includeNodeParameters: true })
		.filter((node) => {
			const type = node.type.split('.').pop(); // before it stands the package
			return (
				type === 'aigenTrigger' || (type === 'aigen' && node.parameters?.operation === 'parseJob')
			);
		})
		.map((node) => node.name);
}

/**
 * The job that a node gave out for the item: the one that the item is linked to or, if the links were
 * lost on the way, the only one that there is.
 */
function jobAt(this: IExecuteFunctions, name: string, itemIndex: number): Job | undefined {
	const node = `$(${JSON.stringify(name)})`;
	const linked = evaluated.call(this, `{{ ${node}.item.json }}`, itemIndex);
	if (isJob(linked)) return linked;
	const all = [0, 1].flatMap((output) => {
		const items = evaluated.call(
			this,
			`{{ ${node}.all(${output}).map((item) => item.json) }}`,
			itemIndex,
		);
		return Array.isArray(items) ? (items as unknown[]) : [];
	});
	return all.length === 1 && isJob(all[0]) ? all[0] : undefined;
}

/** What an expression yields; undefined where it cannot be told, as for a node that has not run. */
function evaluated(this: IExecuteFunctions, expression: string, itemIndex: number): unknown {
	try {
		return this.evaluateExpression(expression, itemIndex);
	} catch {
		return undefined;
	}
}
