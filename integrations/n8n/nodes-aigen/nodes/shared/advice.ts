import type { IDataObject } from 'n8n-workflow';

import { bodyOf } from './callback';
import type { Answer } from './callback';

export type Proof = 'jobToken' | 'signature';

/** What went wrong with a report, and what the author of a workflow can do about it. */
export interface Explanation {
	message: string;
	description: string;
}

/** Explains an answer that says no (RFC 9457 where it comes from the service). */
export function explainAnswer(answer: Answer, proof: Proof): Explanation {
	const problem = bodyOf(answer);
	const said = [problem.detail ?? problem.title, ...faultsOf(problem)]
		.filter((part): part is string => typeof part === 'string' && part !== '')
		.join(' ');
	const request = typeof problem.requestId === 'string' ? ` Request ${problem.requestId}.` : '';
	const message = `aigen refused the report (${answer.statusCode}${codeOf(problem)})`;
	return {
		message,
		description: `${said} ${adviceFor(answer.statusCode, proof)}${request}`.trim(),
	};
}

/** Explains that nobody answered. */
export function explainSilence(cause: Error, url: string, tries: number): Explanation {
	return {
		message: `aigen could not be reached at ${originOf(url)} (${tries} tries)`,
		description: `${cause.message}. The address comes with the job: set CALLBACK_BASE_URL of the service to one that n8n can reach. A job that is never reported on fails at its deadline, with a refund.`,
	};
}

function faultsOf(problem: IDataObject): string[] {
	if (!Array.isArray(problem.errors)) return [];
	return (problem.errors as IDataObject[]).map(
		(fault) => `${String(fault.location)}: ${String(fault.message)}.`,
	);
}

function codeOf(problem: IDataObject): string {
	return typeof problem.code === 'string' ? ` ${problem.code}` : '';
}

function adviceFor(status: number, proof: Proof): string {
	switch (status) {
		case 401:
		case 403:
			return proof === 'signature'
				? 'Check that the secret in the credential is the one in N8N_CALLBACK_SECRET of the service, and that the clocks of both machines agree within 5 minutes.'
				: 'The token comes with each job: take the job as it came, and report on no other generation with it.';
		case 404:
			return 'Is the job from this very service, and "callback.url" as it came?';
		case 409:
			return 'The report does not fit the state of the generation, for example a final while samples are made. Use the report that fits the type of the job.';
		case 413:
			return 'Report URLs of pictures, not the pictures themselves.';
		case 422:
			return 'Correct the named fields.';
		default:
			return status >= 300 && status < 400
				? 'The address redirects, and a proof is not sent on: set CALLBACK_BASE_URL of the service to its final address.'
				: 'Look at the log of the service.';
	}
}

function originOf(url: string): string {
	try {
		return new URL(url).origin;
	} catch {
		return url;
	}
}
