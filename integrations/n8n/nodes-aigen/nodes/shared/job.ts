import type { IDataObject } from 'n8n-workflow';

import { Fault } from './fault';

/** What the service hands over (contract section 3). Further fields are passed on as they are. */
export interface Job extends IDataObject {
	jobId: string;
	generationId: string;
	jobType: JobType;
	callback: { url: string; token: string };
}

export type JobType = 'sample_generation' | 'final_generation';

/** The outputs of the nodes that give out jobs, in this order. */
export const JOB_TYPES: JobType[] = ['sample_generation', 'final_generation'];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Reads a job from whatever brought it: the job itself, its JSON as text, or an item of n8n's
 * RabbitMQ Trigger, which has either in "content".
 */
export function readJob(source: unknown): Job {
	const value = unwrap(source);
	const fault = faultOf(value);
	if (fault !== undefined) {
		throw new Fault(
			`This is not a job of aigen: ${fault}`,
			'Feed this node with the JSON that the service sends: the body of its webhook call, or the content of its RabbitMQ message.',
		);
	}
	return value as Job;
}

/** Whether an item is a job as the trigger and "Parse Job" give it out. */
export function isJob(value: unknown): value is Job {
	return faultOf(value) === undefined;
}

function unwrap(source: unknown): unknown {
	const value = parsed(source);
	if (!isObject(value) || value.jobId !== undefined) return value;
	for (const name of ['content', 'body']) {
		const inner = parsed(value[name]);
		if (isObject(inner)) return inner;
	}
	return value;
}

function parsed(value: unknown): unknown {
	if (typeof value !== 'string') return value;
	try {
		return JSON.parse(value) as unknown;
	} catch {
		return undefined; // faultOf says that it is no JSON object
	}
}

function isObject(value: unknown): value is IDataObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultOf(value: unknown): string | undefined {
	if (!isObject(value)) return 'it is not a JSON object';
	for (const name of ['jobId', 'generationId']) {
		const id = value[name];
		if (typeof id !== 'string' || !UUID.test(id)) return `"${name}" is missing or not a UUID`;
	}
	if (!JOB_TYPES.includes(value.jobType as JobType)) {
		return `"jobType" is ${JSON.stringify(value.jobType) ?? 'missing'}, known are ${JOB_TYPES.join(' and ')}`;
	}
	const callback = value.callback;
	if (!isObject(callback) || typeof callback.url !== 'string' || !isWebURL(callback.url)) {
		return '"callback.url" is missing or not an http or https URL';
	}
	if (typeof callback.token !== 'string' || callback.token === '') {
		return '"callback.token" is missing';
	}
	return undefined;
}

function isWebURL(text: string): boolean {
	try {
		return ['http:', 'https:'].includes(new URL(text).protocol);
	} catch {
		return false;
	}
}
