import { randomUUID } from 'node:crypto';
import type {
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IDataObject,
	INodeCredentialTestResult,
} from 'n8n-workflow';

import { bodyOf } from './callback';
import type { Answer } from './callback';
import { readSecrets, sign } from './signature';

const TIMEOUT = 10_000;

/**
 * Sends a signed report about nothing. The service checks the proof first and the report after it:
 * that it misses the generation says that it believes the signature. Nothing is changed by it.
 */
export async function testCredential(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted,
): Promise<INodeCredentialTestResult> {
	const baseUrl = String(credential.data?.baseUrl ?? '').replace(/\/+$/, '');
	const key = readSecrets(String(credential.data?.callbackSecret ?? ''))?.[0];
	if (key === undefined) {
		return failed('The secret is empty, or starts with whsec_ and is not base64 after that');
	}
	if (!/^https?:\/\/[^/]/.test(baseUrl)) {
		return failed('The service URL must begin with http:// or https:// and a host');
	}
	const body = Buffer.from('{}', 'utf8');
	const { helpers } = this;
	try {
		const answer = (await helpers.request({
			method: 'POST',
			uri: baseUrl + '/api/v1/callbacks/n8n',
			headers: {
				'content-type': 'application/json',
				...sign(key, randomUUID(), Date.now() / 1000, body),
			},
			body,
			timeout: TIMEOUT,
			simple: false,
			resolveWithFullResponse: true,
			followRedirect: false,
		})) as Answer;
		return judge(answer, baseUrl);
	} catch (error) {
		return failed(`The service cannot be reached at ${baseUrl}: ${(error as Error).message}`);
	}
}

function judge(answer: Answer, baseUrl: string): INodeCredentialTestResult {
	const problem: IDataObject = bodyOf(answer);
	if (answer.statusCode === 422 && problem.code === 'invalid_input') {
		return { status: 'OK', message: 'The service accepts the signature' };
	}
	if (answer.statusCode === 403 && problem.code === 'invalid_proof') {
		return failed(
			`The service does not accept the signature: ${String(problem.detail)} Is this the secret in N8N_CALLBACK_SECRET?`,
		);
	}
	if (answer.statusCode >= 500) {
		return failed(`The service answered ${answer.statusCode}: try again in a moment`);
	}
	return failed(`What answers at ${baseUrl} is not aigen (${answer.statusCode})`);
}

function failed(message: string): INodeCredentialTestResult {
	return { status: 'Error', message };
}
