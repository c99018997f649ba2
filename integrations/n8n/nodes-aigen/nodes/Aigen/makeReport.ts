import type { IExecuteFunctions } from 'n8n-workflow';

import { Fault } from '../shared/fault';
import type { Job } from '../shared/job';
import {
	assetOf,
	failureReport,
	finalReport,
	progressReport,
	rejectionReport,
	samplesReport,
} from '../shared/report';
import type { Asset, Picture, Report } from '../shared/report';

/** Makes the report on a job from the parameters of the node, as they are for its items. */
export function makeReport(
	this: IExecuteFunctions,
	operation: string,
	job: Job,
	items: number[],
): Report {
	const first = items[0] ?? 0;
	switch (operation) {
		case 'reportSamples': {
			const assets = items.map((item, index) => assetAt.call(this, job, item, String(index + 1)));
			return samplesReport(job, assets, modelAt.call(this, first));
		}
		case 'reportFinal':
			if (items.length > 1) {
				throw new Fault(
					`There are ${items.length} final pictures for one job`,
					'Report one: the picture that was made from "selectedSample" of the job.',
				);
			}
			return finalReport(job, assetAt.call(this, job, first, 'final'), modelAt.call(this, first));
		case 'reportProgress':
			return progressReport(job, Number(this.getNodeParameter('percent', first)));
		case 'reportFailure':
			return failureAt.call(this, job, first);
		default:
			throw new Fault(`There is no operation "${operation}"`, 'Choose one of the list.');
	}
}

function assetAt(this: IExecuteFunctions, job: Job, item: number, position: string): Asset {
	const details = this.getNodeParameter('details', item) as Partial<Picture>;
	return assetOf(
		job,
		{
			url: this.getNodeParameter('url', item) as string,
			assetId: details.assetId ?? '',
			width: Number(details.width ?? 0),
			height: Number(details.height ?? 0),
			format: details.format ?? '',
			metadata: details.metadata,
		},
		position,
	);
}

function modelAt(this: IExecuteFunctions, item: number): string {
	return this.getNodeParameter('aiModelUsed', item) as string;
}

/** Where several items of a job failed, the first of them speaks for all. */
function failureAt(this: IExecuteFunctions, job: Job, item: number): Report {
	const message = this.getNodeParameter('message', item) as string;
	if (this.getNodeParameter('kind', item) === 'rejected') return rejectionReport(job, message);
	const code = this.getNodeParameter('code', item) as string;
	return failureReport(job, code, message, this.getNodeParameter('retryable', item) as boolean);
}
