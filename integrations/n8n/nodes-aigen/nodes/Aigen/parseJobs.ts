import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { JOB_TYPES, readJob } from '../shared/job';
import { asNodeError, failedItem } from './errors';

/** Reads a job from each item, and gives it out on the output of its type. */
export function parseJobs(this: IExecuteFunctions): INodeExecutionData[][] {
	const outputs: INodeExecutionData[][] = JOB_TYPES.map(() => []);
	this.getInputData().forEach((item, index) => {
		try {
			const job = readJob(item.json);
			outputs[JOB_TYPES.indexOf(job.jobType)]?.push({ json: job, pairedItem: { item: index } });
		} catch (error) {
			const nodeError = asNodeError(this.getNode(), error as Error, index);
			if (!this.continueOnFail()) throw nodeError;
			outputs[0]?.push(failedItem(nodeError, [index]));
		}
	});
	return outputs;
}
