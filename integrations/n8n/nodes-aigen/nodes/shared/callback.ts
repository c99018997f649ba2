import { randomUUID } from 'node:crypto';
import { sleep } from 'n8n-workflow';
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';

import type { Job } from './job';
import type { Report } from './report';

/** An answer of the service, or of whatever stands before it. */
export interface Answer {
	statusCode: number;
	headers: IDataObject;
	body: unknown;
}

/** Sends one request; it rejects only if there was no answer. */
export type Send = (request: IHttpRequestOptions) => Promise<Answer>;

/** What became of a report. */
export type Delivery =
	| { kind: 'taken'; outcome: string; status: string }
	| { kind: 'refused'; answer: Answer }
	| { kind: 'unreachable'; cause: Error; tries: number };

export interface Patience {
	/** How often a report is sent, the first time included. */
	tries: number;
	/** How long one answer is waited for, in milliseconds. */
	timeout: number;
	/** Whether nobody waits for it any more. */
	isCancelled?: () => boolean;
	pause?: (milliseconds: number) => Promise<void>;
}

/** Between two tries, in milliseconds: doubled each time, from the first to the last of these. */
const MIN_PAUSE = 500;
const MAX_PAUSE = 15_000;

/**
 * Sends a report until the service has taken or refused it. Repeating is harmless: the service knows
 * a report that it has, and calls it a duplicate. Redirects are not followed, since the proof is for
 * the service alone.
 */
export async function deliver(
	send: Send,
	job: Job,
	report: Report,
	patience: Patience,
): Promise<Delivery> {
	const body = Buffer.from(JSON.stringify(report), 'utf8');
	const pause = patience.pause ?? (async (milliseconds: number) => await sleep(milliseconds));
	for (let tried = 1; ; tried++) {
		const { answer, cause } = await once(send, requestOf(job, body, patience.timeout));
		if (answer !== undefined && !isPassing(answer.statusCode)) return judge(answer);
		if (tried >= patience.tries || patience.isCancelled?.() === true) {
			if (answer !== undefined) return { kind: 'refused', answer };
			return { kind: 'unreachable', cause, tries: tried };
		}
		await pause(pauseAfter(tried, answer));
	}
}

async function once(
	send: Send,
	request: IHttpRequestOptions,
): Promise<{ answer: Answer; cause?: undefined } | { answer?: undefined; cause: Error }> {
	try {
		return { answer: await send(request) };
	} catch (error) {
		return { cause: error instanceof Error ? error : new Error(String(error)) };
	}
}

function requestOf(job: Job, body: Buffer, timeout: number): IHttpRequestOptions {
	return {
		method: 'POST',
		url: job.callback.url,
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, application/problem+json',
			'x-request-id': randomUUID(),
		},
		// Bytes, not an object: what is signed must be what is sent.
		body,
		timeout,
		encoding: 'text',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
	};
}

/** Adds the proof that every job brings along: its own token, good for this one job. */
export function proveByToken(request: IHttpRequestOptions, job: Job): IHttpRequestOptions {
	const headers = { ...request.headers, authorization: `Bearer ${job.callback.token}` };
	return { ...request, headers };
}

function isPassing(status: number): boolean {
	return status === 408 || status === 429 || status >= 500;
}

function judge(answer: Answer): Delivery {
	const body = bodyOf(answer);
	if (answer.statusCode === 200 && typeof body.outcome === 'string') {
		return { kind: 'taken', outcome: body.outcome, status: String(body.status ?? '') };
	}
	return { kind: 'refused', answer };
}

/** The JSON object of an answer; an empty one if it is a page or nothing at all. */
export function bodyOf(answer: Answer): IDataObject {
	let body = answer.body;
	if (Buffer.isBuffer(body)) body = body.toString('utf8');
	if (typeof body === 'string') {
		try {
			body = JSON.parse(body);
		} catch {
			return {};
		}
	}
	const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
	return isObject ? (body as IDataObject) : {};
}

function pauseAfter(tried: number, answer: Answer | undefined): number {
	const asked = Number(answer?.headers?.['retry-after'] ?? 0) * 1000;
	const doubled = Math.min(MIN_PAUSE * 2 ** (tried - 1), MAX_PAUSE);
	// Anywhere from half of it to all of it, so that many workflows do not come back at once.
	const own = doubled / 2 + Math.random() * (doubled / 2);
	return Number.isFinite(asked) ? Math.min(Math.max(own, asked), MAX_PAUSE) : own;
}
