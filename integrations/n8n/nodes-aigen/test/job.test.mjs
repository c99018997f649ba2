import assert from 'node:assert/strict';
import { test } from 'node:test';

import { aFinalJob, aJob, dist, execution, startService, taken, trigger } from './world.mjs';

const { Aigen } = dist('nodes/Aigen/Aigen.node');
const run = (options) => new Aigen().execute.call(execution(options));
const parse = (...list) =>
	run({ items: list.map((json) => ({ json })), parameters: { operation: 'parseJob' } });

test('a job is found in whatever the RabbitMQ Trigger makes of it', async () => {
	const [job, final] = [aJob(), aFinalJob()];
	const outputs = await parse(
		{ content: JSON.stringify(job), fields: { redelivered: false }, properties: {} },
		{ content: final, fields: {}, properties: {} },
		job,
		{ body: job, headers: {}, query: {} },
	);
	assert.deepEqual(outputs, [
		[0, 2, 3].map((item) => ({ json: job, pairedItem: { item } })),
		[{ json: final, pairedItem: { item: 1 } }],
	]);
});

test('what is no job says what is wrong with it', async () => {
	const cases = [
		[{ content: 'nonsense' }, /"jobId" is missing/],
		[aJob({ generationId: 'x' }), /"generationId" is missing or not a UUID/],
		[aJob({ jobType: 'video_generation' }), /"jobType" is "video_generation"/],
		[aJob({ callback: { url: 'ftp://x', token: 't' } }), /"callback\.url"/],
		[aJob({ callback: { url: 'http://x' } }), /"callback\.token"/],
	];
	for (const [json, why] of cases) {
		await assert.rejects(parse(json), (error) => {
			assert.equal(error.name, 'NodeOperationError');
			assert.match(error.message, why);
			assert.match(error.description, /RabbitMQ/);
			return true;
		});
	}
});

test('the job of an item: its own, the one it is linked to, the only one there is, the defined one', async (t) => {
	const service = await startService(t, taken());
	const job = aJob({ callback: service.callback });
	const other = aJob({ jobId: '0198c0de-0000-7000-8000-00000000000f', callback: service.callback });
	const idle = { name: 'another', type: 'n8n-nodes-aigen.aigenTrigger' };
	const parser = {
		...trigger([job]),
		name: 'parse',
		type: 'CUSTOM.aigen',
		parameters: { operation: 'parseJob' },
	};
	const reporter = {
		...trigger([other]),
		name: 'report',
		type: 'CUSTOM.aigen',
		parameters: { operation: 'reportProgress' },
	};
	const ways = [
		{ items: [{ json: job }], before: [trigger([other], () => other)] },
		{ items: [{ json: {} }], before: [idle, trigger([job, other], () => job)] },
		{ items: [{ json: {} }], before: [idle, reporter, parser] },
		{ items: [{ json: {} }], parameters: { jobSource: 'define', job: JSON.stringify(job) } },
	];
	for (const [index, way] of ways.entries()) {
		await run(way);
		assert.equal(JSON.parse(service.calls[index].body.toString()).jobId, job.jobId, `way ${index}`);
	}
});

test('where several jobs could be meant, none is guessed', async () => {
	const jobs = [aJob(), aJob({ jobId: '0198c0de-0000-7000-8000-00000000000f' })];
	await assert.rejects(run({ items: [{ json: {} }], before: [trigger(jobs)] }), (error) => {
		assert.equal(error.message, 'No job was found for this item');
		assert.match(error.description, /Define Below/);
		return true;
	});
});

test('reports that do not fit their job are not sent', async () => {
	const items = (...list) => list.map((json) => ({ json }));
	const cases = [
		[{ items: items(aFinalJob()) }, /"Report Samples" was used for a job of type final_generation/],
		[
			{ items: items(aJob()), parameters: { operation: 'reportFinal' } },
			/"Report Final" was used for a job of type sample/,
		],
		[
			{ items: items(aFinalJob(), aFinalJob()), parameters: { operation: 'reportFinal' } },
			/2 final pictures/,
		],
		[{ items: items(...Array(9).fill(aJob())) }, /9 samples, at most 8/],
		[{ items: items(aJob()), parameters: { url: ' ' } }, /picture has no URL/],
		[{ items: items(aJob()), parameters: { url: undefined } }, /picture has no URL/],
		[
			{ items: items(aJob()), parameters: { details: { metadata: '[1]' } } },
			/"Metadata" is not a JSON object/,
		],
		[
			{ items: items(aJob()), parameters: { operation: 'reportProgress', percent: 101 } },
			/progress is 101/,
		],
	];
	for (const [options, why] of cases) await assert.rejects(run(options), why);
});
