import assert from 'node:assert/strict';
import { test } from 'node:test';

import { aFinalJob, aJob, dist, SECRET, webhookCall } from './world.mjs';

const { AigenTrigger } = dist('nodes/AigenTrigger/AigenTrigger.node');
const { readSecrets, sign } = dist('nodes/shared/signature');

const now = () => Date.now() / 1000;
const call = async (options) => {
	const { context, response } = webhookCall(options);
	return { result: await new AigenTrigger().webhook.call(context), sent: response.sent };
};

// Not as JSON.stringify would write it: the signature is over the bytes as they came.
const spaced = JSON.stringify(aJob(), null, 3);
const signed = (body, secret = SECRET, at = now()) => ({
	body,
	headers: sign(readSecrets(secret)[0], aJob().jobId, at, Buffer.from(body)),
});

test('a signed job starts the workflow on the output of its type', async () => {
	const samples = await call(signed(spaced));
	assert.deepEqual(samples.result.workflowData, [[{ json: aJob() }], []]);
	assert.deepEqual(samples.result.webhookResponse, { accepted: aJob().jobId });
	const final = await call(signed(JSON.stringify(aFinalJob())));
	assert.deepEqual(final.result.workflowData, [[], [{ json: aFinalJob() }]]);
});

test('while a secret is changed, both are accepted', async () => {
	const { result } = await call({ ...signed(spaced, 'old'), secret: 'new,old' });
	assert.ok(result.workflowData);
});

test('what is not signed as it should be starts nothing and is told why', async () => {
	const cases = [
		[{ body: spaced, headers: {} }, /are needed/],
		[signed(spaced, 'another'), /not made with the secret/],
		[{ ...signed(spaced), body: spaced + ' ' }, /not made with the secret/],
		[signed(spaced, SECRET, now() - 400), /clocks/],
		[{ ...signed(spaced), secret: 'whsec_!' }, /cannot be read/],
	];
	for (const [options, why] of cases) {
		const { result, sent } = await call(options);
		assert.deepEqual(result, { noWebhookResponse: true });
		assert.equal(sent.status, 401);
		assert.match(sent.body.detail, why);
	}
});

test('without authentication a job needs no signature', async () => {
	const { result } = await call({ body: spaced, authentication: 'none' });
	assert.equal(result.workflowData[0].length, 1);
});

test('what is no job is refused for good', async () => {
	for (const body of [
		'',
		'[]',
		'nonsense',
		'{}',
		JSON.stringify(aJob({ jobType: 'video_generation' })),
	]) {
		const { result, sent } = await call(signed(body));
		assert.deepEqual(result, { noWebhookResponse: true }, body);
		assert.equal(sent.status, 422, body);
		assert.match(sent.body.detail, /not a job of aigen/);
	}
});
