import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
	aFinalJob,
	aJob,
	dist,
	execution,
	problem,
	SECRET,
	startService,
	taken,
	trigger,
} from './world.mjs';

const { Aigen } = dist('nodes/Aigen/Aigen.node');
const { readSecrets, verify } = dist('nodes/shared/signature');

const run = async (options) => (await new Aigen().execute.call(execution(options)))[0];
const items = (...list) => list.map((json) => ({ json }));
const sent = (service, index = 0) => JSON.parse(service.calls[index].body.toString());
const { jobId, generationId } = aJob();

test('samples: all items of a job become one report', async (t) => {
	const service = await startService(t, taken());
	const job = aJob({ callback: service.callback });
	const output = await run({
		items: items({ url: 'https://p.example/1.png' }, { url: '/pictures/2.png' }),
		before: [trigger([job], () => job)],
		parameters: {
			url: (index) => ['https://p.example/1.png', '/pictures/2.png'][index],
			details: (index) =>
				index === 1
					? { width: 512, height: 640, format: 'png', metadata: '{"seed": 7}', assetId: 'mine' }
					: {},
			aiModelUsed: ' painter-1 ',
		},
	});
	assert.equal(service.calls.length, 1);
	assert.equal(service.calls[0].headers.authorization, 'Bearer token-of-the-job');
	assert.equal(service.calls[0].headers['content-type'], 'application/json');
	assert.deepEqual(sent(service), {
		generationId,
		jobId,
		status: 'success',
		stage: 'samples_generated',
		results: {
			sampleAssets: [
				{ assetId: `${jobId}-1`, url: 'https://p.example/1.png' },
				{
					assetId: 'mine',
					url: '/pictures/2.png',
					width: 512,
					height: 640,
					format: 'png',
					metadata: { seed: 7 },
				},
			],
			aiModelUsed: 'painter-1',
		},
	});
	assert.deepEqual(output, [
		{
			json: {
				outcome: 'applied',
				status: 'AwaitingSelection',
				stage: 'samples_generated',
				generationId,
				jobId,
			},
			pairedItem: [{ item: 0 }, { item: 1 }],
		},
	]);
});

test('samples of several jobs become a report for each', async (t) => {
	const service = await startService(t, taken());
	const jobs = ['1', '2'].map((n) =>
		aJob({ jobId: jobId.slice(0, -1) + n, callback: service.callback }),
	);
	const output = await run({
		items: items({}, {}, {}),
		before: [trigger(jobs, (index) => jobs[index % 2])],
	});
	assert.deepEqual(
		service.calls.map((_, i) => sent(service, i).results.sampleAssets.length),
		[2, 1],
	);
	assert.deepEqual(
		output.map((item) => item.pairedItem),
		[[{ item: 0 }, { item: 2 }], [{ item: 1 }]],
	);
});

test('a signature is over the bytes that were sent, and the token stays at home', async (t) => {
	const service = await startService(t, taken());
	const job = aFinalJob({ callback: service.callback });
	await run({
		items: items(job),
		parameters: { operation: 'reportFinal', authentication: 'signature', aiModelUsed: 'mäler 🎨' },
	});
	const { headers, body } = service.calls[0];
	assert.equal(verify(readSecrets(SECRET), headers, body, Date.now() / 1000), undefined);
	assert.equal(headers.authorization, undefined);
	assert.ok(!body.toString().includes(job.callback.token));
	assert.deepEqual(sent(service).results, {
		finalAssetId: `${jobId}-final`,
		finalAsset: { assetId: `${jobId}-final`, url: 'https://pictures.example/1.png' },
		aiModelUsed: 'mäler 🎨',
	});
});

test('a failure keeps the words and leaves the stack', async (t) => {
	const service = await startService(t, taken('applied', 'Failed'));
	const job = aFinalJob({ callback: service.callback });
	const message = 'The provider is busy\nsecond line\n    at Object.execute (/usr/lib/x.js:1:2)';
	await run({
		items: items(job, job),
		parameters: { operation: 'reportFailure', message, code: 'busy' },
	});
	assert.equal(service.calls.length, 1, 'items of one job are one failure');
	assert.deepEqual(sent(service), {
		generationId,
		jobId,
		status: 'failure',
		stage: 'final_asset_generated',
		error: { code: 'busy', message: 'The provider is busy\nsecond line', retryable: true },
	});
});

test('content that is not allowed is a rejection, and not tried again', async (t) => {
	const service = await startService(t, taken('applied', 'ContentRejected'));
	const job = aJob({ callback: service.callback });
	await run({
		items: items(job),
		parameters: { operation: 'reportFailure', kind: 'rejected', message: '' },
	});
	assert.equal(sent(service).stage, 'content_rejected');
	assert.deepEqual(sent(service).error, {
		code: 'content_rejected',
		message: 'The workflow failed.',
		retryable: false,
	});
});

test('progress passes its items on, with their files', async (t) => {
	const service = await startService(t, taken('applied', 'ProcessingSamples'));
	const job = aJob({ callback: service.callback });
	const binary = { data: { mimeType: 'image/png', data: '' } };
	const output = await run({
		items: [{ json: { mine: 1 }, binary }, { json: { mine: 2 } }],
		before: [trigger([job])],
		parameters: { operation: 'reportProgress', percent: 33.4 },
	});
	assert.equal(service.calls.length, 1);
	assert.deepEqual(sent(service).results, { progress: 33 });
	const aigen = { outcome: 'applied', status: 'ProcessingSamples' };
	assert.deepEqual(output, [
		{ json: { mine: 1, aigen }, binary, pairedItem: { item: 0 } },
		{ json: { mine: 2, aigen }, pairedItem: { item: 1 } },
	]);
});

test('progress that cannot be told ends nothing', async (t) => {
	const service = await startService(t, { status: 503, body: '' });
	const job = aJob({ callback: service.callback });
	const output = await run({ items: items(job), parameters: { operation: 'reportProgress' } });
	assert.equal(service.calls.length, 1);
	assert.equal(output[0].json.aigen.outcome, 'not_delivered');
});

test('an outage is waited for, and the repeat is the same report', async (t) => {
	const service = await startService(
		t,
		'hang up',
		{ status: 503, body: 'a page' },
		{ status: 429, body: {} },
		taken('duplicate'),
	);
	const job = aJob({ callback: service.callback });
	const output = await run({ items: items(job) });
	assert.equal(output[0].json.outcome, 'duplicate');
	assert.equal(service.calls.length, 4);
	const bodies = new Set(service.calls.map((call) => call.body.toString()));
	assert.equal(bodies.size, 1);
});

test('an outage that lasts is told, with what to look at', async (t) => {
	const service = await startService(t, 'hang up');
	const job = aJob({ callback: service.callback });
	await assert.rejects(
		run({ items: items(job), parameters: { options: { tries: 2 } } }),
		(error) => {
			assert.equal(error.name, 'NodeApiError');
			assert.equal(error.message, `aigen could not be reached at ${service.origin} (2 tries)`);
			assert.match(error.description, /CALLBACK_BASE_URL/);
			return true;
		},
	);
	assert.equal(service.calls.length, 2);
});

test('a refusal is told at once, with its reason and what to do', async (t) => {
	const cases = [
		[
			problem(403, 'invalid_proof', 'Not this token.'),
			/403 invalid_proof/,
			/Not this token.*as it came.*Request r-1/,
		],
		[problem(409, 'callback_contradiction', 'Samples run.'), /409/, /fits the type/],
		[
			problem(422, 'invalid_input', 'One field is not valid.', {
				errors: [{ location: 'body.results.sampleAssets[0].url', message: 'is no URL' }],
			}),
			/422/,
			/sampleAssets\[0\]\.url: is no URL/,
		],
		[
			{ status: 302, headers: { location: 'http://elsewhere.example/' }, body: '' },
			/302/,
			/redirects/,
		],
		[{ status: 200, body: '<html>a portal</html>' }, /200/, /log of the service/],
	];
	for (const [answer, message, description] of cases) {
		const service = await startService(t, answer);
		const job = aJob({ callback: service.callback });
		await assert.rejects(run({ items: items(job) }), (error) => {
			assert.equal(error.name, 'NodeApiError');
			assert.match(error.message, message);
			assert.match(error.description, description);
			assert.ok(!JSON.stringify(error).includes('token-of-the-job'), 'an error is shown to many');
			return true;
		});
		assert.equal(service.calls.length, 1);
	}
});

test('where the workflow is to go on, an error is an item', async (t) => {
	const service = await startService(t, problem(404, 'unknown_job', 'No such job.'), taken());
	const jobs = ['1', '2'].map((n) =>
		aJob({ jobId: jobId.slice(0, -1) + n, callback: service.callback }),
	);
	const output = await run({ items: items(...jobs, { no: 'job' }), continueOnFail: true });
	assert.deepEqual(
		output.map((item) => [item.json.outcome ?? item.json.error, item.pairedItem]),
		[
			['No job was found for this item', [{ item: 2 }]],
			['aigen refused the report (404 unknown_job)', [{ item: 0 }]],
			['applied', [{ item: 1 }]],
		],
	);
	assert.ok(output[0].error && output[1].error, "n8n's error output takes what has an error");
});
