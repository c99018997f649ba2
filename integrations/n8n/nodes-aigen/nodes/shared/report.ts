import type { IDataObject } from 'n8n-workflow';

import { Fault } from './fault';
import type { Job } from './job';

/** A picture that the engine made (contract section 1). */
export interface Asset extends IDataObject {
	assetId: string;
	url: string;
	width?: number;
	height?: number;
	format?: string;
	metadata?: IDataObject;
}

/** The body of a callback (contract section 3). */
export interface Report extends IDataObject {
	generationId: string;
	jobId: string;
	status: 'success' | 'failure';
	stage: 'samples_generated' | 'final_asset_generated' | 'content_rejected' | 'progress';
	results?: IDataObject;
	error?: { code: string; message: string; retryable: boolean };
}

/** The most samples of one report. */
const MAX_SAMPLES = 8;

/** The longest message and code that are sent; the service cuts them further. */
const MAX_MESSAGE = 2000;
const MAX_CODE = 64;

/** What the author of a workflow says of a picture; the texts may be empty. */
export interface Picture {
	url: string;
	assetId: string;
	width: number;
	height: number;
	format: string;
	metadata: unknown;
}

/**
 * Makes an asset. Without an id it gets one that is the same at every run of the same job, so that a
 * job that is delivered twice reports the same and counts once.
 */
export function assetOf(job: Job, picture: Picture, position: string): Asset {
	const url = text(picture.url);
	if (url === '') {
		throw new Fault(
			`The ${position} picture has no URL`,
			'Set "Picture URL" to where the picture can be loaded, such as {{ $json.url }}. Users and the final stage load it from there.',
		);
	}
	const asset: Asset = { assetId: text(picture.assetId) || `${job.jobId}-${position}`, url };
	if (picture.width > 0) asset.width = picture.width;
	if (picture.height > 0) asset.height = picture.height;
	if (text(picture.format) !== '') asset.format = text(picture.format);
	const metadata = objectOf(picture.metadata, 'Metadata');
	if (Object.keys(metadata).length > 0) asset.metadata = metadata;
	return asset;
}

export function samplesReport(job: Job, assets: Asset[], model: string): Report {
	if (job.jobType !== 'sample_generation') {
		throw wrongStage(job, 'Report Samples', 'Report Final');
	}
	if (assets.length > MAX_SAMPLES) {
		throw new Fault(
			`There are ${assets.length} samples, at most ${MAX_SAMPLES} can be reported`,
			'Make as many as inputParameters.samples of the job asks for. If the items belong to several jobs, keep them linked to their job (see the README on item linking).',
		);
	}
	return success(job, 'samples_generated', { sampleAssets: assets }, model);
}

export function finalReport(job: Job, asset: Asset, model: string): Report {
	if (job.jobType !== 'final_generation') {
		throw wrongStage(job, 'Report Final', 'Report Samples');
	}
	const results = { finalAssetId: asset.assetId, finalAsset: asset };
	return success(job, 'final_asset_generated', results, model);
}

export function progressReport(job: Job, percent: number): Report {
	if (!Number.isFinite(percent) || percent < 0 || percent > 100) {
		throw new Fault(
			`The progress is ${percent}, not a number from 0 to 100`,
			'Set "Percent" to how much of the stage is done.',
		);
	}
	return success(job, 'progress', { progress: Math.round(percent) }, '');
}

export function failureReport(job: Job, code: string, message: string, retryable: boolean): Report {
	return failure(job, stageOf(job), code, message, retryable);
}

export function rejectionReport(job: Job, message: string): Report {
	return failure(job, 'content_rejected', 'content_rejected', message, false);
}

function success(job: Job, stage: Report['stage'], results: IDataObject, model: string): Report {
	if (text(model) !== '') results.aiModelUsed = text(model);
	return { generationId: job.generationId, jobId: job.jobId, status: 'success', stage, results };
}

function failure(
	job: Job,
	stage: Report['stage'],
	code: string,
	message: string,
	retryable: boolean,
): Report {
	const error = {
		code: (text(code) || 'generation_failed').slice(0, MAX_CODE),
		message: (withoutStack(message) || 'The workflow failed.').slice(0, MAX_MESSAGE),
		retryable,
	};
	return { generationId: job.generationId, jobId: job.jobId, status: 'failure', stage, error };
}

function stageOf(job: Job): Report['stage'] {
	return job.jobType === 'final_generation' ? 'final_asset_generated' : 'samples_generated';
}

function wrongStage(job: Job, used: string, right: string): Fault {
	return new Fault(
		`"${used}" was used for a job of type ${job.jobType}`,
		`Use "${right}" on this branch. The aigen Trigger and "Parse Job" give out sample jobs on their first output and final jobs on their second.`,
	);
}

/** An error's own words, without the stack that n8n may add to them. */
function withoutStack(message: unknown): string {
	const lines = text(message).split(/\r?\n/);
	const stack = lines.findIndex((line) => /^\s+at\s/.test(line));
	return (stack < 0 ? lines : lines.slice(0, stack)).join('\n').trim();
}

/** The text of a parameter, which an expression may have made anything. */
function text(value: unknown): string {
	if (value === undefined || value === null) return '';
	if (typeof value === 'string') return value.trim();
	if (typeof value === 'object') {
		const message = (value as IDataObject).message;
		return typeof message === 'string' ? message.trim() : JSON.stringify(value);
	}
	return String(value);
}

/** The object of a JSON parameter, which comes as text or as an object. */
export function objectOf(value: unknown, name: string): IDataObject {
	let object = value;
	if (typeof value === 'string') {
		if (value.trim() === '') return {};
		object = parse(value);
	}
	if (object === undefined || object === null) return {};
	if (typeof object !== 'object' || Array.isArray(object)) {
		throw new Fault(
			`"${name}" is not a JSON object`,
			'Give it as {"name": "value"}, or leave it empty.',
		);
	}
	return object as IDataObject;
}

function parse(value: string): unknown {
	try {
		return JSON.parse(value) as unknown;
	} catch {
		return value; // no object, which the caller says
	}
}
