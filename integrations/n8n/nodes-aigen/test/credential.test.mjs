import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dist, problem, SECRET, startService } from './world.mjs';

const { Aigen } = dist('nodes/Aigen/Aigen.node');
const { readSecrets, verify } = dist('nodes/shared/signature');

/** n8n's helpers.request, in the form that the test uses. */
async function request({ method, uri, headers, body, timeout }) {
	const response = await fetch(uri, {
		method,
		headers,
		body,
		redirect: 'manual',
		signal: AbortSignal.timeout(timeout),
	});
	return { statusCode: response.status, headers: {}, body: await response.text() };
}

const testCredential = (data) =>
	new Aigen().methods.credentialTest.testCredential.call({ helpers: { request } }, { data });

test('a right secret is one that the service misses nothing but the report of', async (t) => {
	const service = await startService(t, problem(422, 'invalid_input', 'One field is not valid.'));
	const result = await testCredential({
		baseUrl: service.origin + '/',
		callbackSecret: `${SECRET},old`,
	});
	assert.equal(result.status, 'OK');
	const { method, path, headers, body } = service.calls[0];
	assert.equal(`${method} ${path}`, 'POST /api/v1/callbacks/n8n');
	assert.equal(verify(readSecrets(SECRET), headers, body, Date.now() / 1000), undefined);
});

test('everything else says what is wrong', async (t) => {
	const answers = [
		[
			problem(403, 'invalid_proof', 'It does not match the body.'),
			/does not match.*N8N_CALLBACK_SECRET/,
		],
		[problem(503, 'database_unavailable', 'x'), /503: try again/],
		[{ status: 404, body: '<html>' }, /is not aigen \(404\)/],
		[{ status: 200, body: 'hello' }, /is not aigen \(200\)/],
		['hang up', /cannot be reached/],
	];
	for (const [answer, why] of answers) {
		const service = await startService(t, answer);
		const result = await testCredential({ baseUrl: service.origin, callbackSecret: SECRET });
		assert.equal(result.status, 'Error');
		assert.match(result.message, why);
	}
	for (const [data, why] of [
		[{ baseUrl: 'http://x.example', callbackSecret: 'whsec_!' }, /not base64/],
		[{ baseUrl: 'x.example', callbackSecret: SECRET }, /must begin with http/],
	]) {
		const result = await testCredential(data);
		assert.equal(result.status, 'Error');
		assert.match(result.message, why);
	}
});
