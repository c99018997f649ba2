// What the tests have around the nodes: n8n's side as far as the nodes ask for it, and a service that
// answers what it is told to.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

export const require = createRequire(import.meta.url);
export const dist = (path) => require(`../dist/${path}.js`);

export const SECRET = 'a secret of plain text';

export function aJob(changes = {}) {
	return {
		jobId: '0198c0de-0000-7000-8000-000000000001',
		runId: '0198c0de-0000-7000-8000-000000000002',
		jobType: 'sample_generation',
		attempt: 1,
		generationId: '0198c0de-0000-7000-8000-000000000003',
		inputPrompt: 'a red fox 🦊 in the snow',
		inputParameters: { format: 'InstagramPost', samples: 2 },
		selectedSample: null,
		callback: { url: 'http://127.0.0.1:1/api/v1/callbacks/n8n', token: 'token-of-the-job' },
		...changes,
	};
}

export const aFinalJob = (changes = {}) => aJob({ jobType: 'final_generation', ...changes });

/** A service on a port of its own. answers are given in order, the last of them for ever. */
export async function startService(t, ...answers) {
	const calls = [];
	const server = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		const answer = answers[Math.min(calls.length, answers.length - 1)];
		calls.push({
			method: request.method,
			path: request.url,
			headers: request.headers,
			body: Buffer.concat(chunks),
		});
		if (answer === 'hang up') return request.socket.destroy();
		response.writeHead(answer.status ?? 200, {
			'content-type': 'application/json',
			...answer.headers,
		});
		response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => new Promise((resolve) => server.close(resolve)));
	const origin = `http://127.0.0.1:${server.address().port}`;
	return {
		calls,
		origin,
		callback: { url: `${origin}/api/v1/callbacks/n8n`, token: 'token-of-the-job' },
	};
}

export const taken = (outcome = 'applied', status = 'AwaitingSelection') => ({
	body: { outcome, status },
});

export const problem = (status, code, detail, more = {}) => ({
	status,
	headers: { 'content-type': 'application/problem+json' },
	body: { status, code, title: 'A title', detail, requestId: 'r-1', ...more },
});

const DEFAULTS = {
	operation: 'reportSamples',
	authentication: 'jobToken',
	jobSource: 'auto',
	url: 'https://pictures.example/1.png',
	details: {},
	aiModelUsed: '',
	percent: 50,
	kind: 'error',
	message: 'it broke',
	code: 'generation_failed',
	retryable: true,
	options: {},
};

/**
 * n8n's execution context for the action node. parameters may be functions of the item's index;
 * before are the nodes before this one: their type, what they gave out, and which of it an item is
 * linked to.
 */
export function execution({ items, parameters = {}, before = [], continueOnFail = false }) {
	const parameter = (name, index) => {
		const value = { ...DEFAULTS, ...parameters }[name];
		return typeof value === 'function' ? value(index) : value;
	};
	return {
		getInputData: () => items,
		getNode: () => ({
			name: 'aigen',
			type: 'n8n-nodes-aigen.aigen',
			typeVersion: 1,
			parameters: {},
		}),
		getNodeParameter: parameter,
		continueOnFail: () => continueOnFail,
		getExecutionCancelSignal: () => undefined,
		getParentNodes: () => before.map(({ name, type, parameters }) => ({ name, type, parameters })),
		evaluateExpression: (expression, index) => evaluate(expression, index, before),
		getCredentials: async () => ({ callbackSecret: SECRET, baseUrl: 'http://127.0.0.1:1' }),
		helpers: { httpRequest: request, httpRequestWithAuthentication: authenticated },
	};
}

function evaluate(expression, index, before) {
	const $ = (name) => {
		const node = before.find((candidate) => candidate.name === name);
		if (!node?.outputs) throw new Error(`Node '${name}' hasn't been executed`);
		return {
			all: (output) => node.outputs[output] ?? [],
			get item() {
				const linked = node.linked?.(index);
				if (linked === undefined) throw new Error('Paired item data is unavailable');
				return { json: linked };
			},
		};
	};
	const inner = /^\{\{(.*)\}\}$/s.exec(expression)[1];
	return new Function('$', `return (${inner});`)($);
}

/** A trigger before the node, that gave out these jobs. */
export const trigger = (jobs, linked) => ({
	name: 'aigen "Trigger"',
	type: 'n8n-nodes-aigen.aigenTrigger',
	outputs: [jobs.map((json) => ({ json })), []],
	linked,
});

/** helpers.httpRequest, as far as it matters: statuses are no errors, redirects are not followed. */
async function request(options) {
	const response = await fetch(options.url, {
		method: options.method,
		headers: options.headers,
		body: options.body,
		redirect: 'manual',
		signal: AbortSignal.timeout(options.timeout),
	});
	return {
		statusCode: response.status,
		headers: Object.fromEntries(response.headers),
		body: await response.text(),
	};
}

async function authenticated(type, options) {
	const { AigenApi } = dist('credentials/AigenApi.credentials');
	const credential = new AigenApi();
	if (type !== credential.name) throw new Error(`no credential ${type}`);
	return await request(await credential.authenticate({ callbackSecret: SECRET }, options));
}

/** n8n's context for a webhook that was called. */
export function webhookCall({ body, headers = {}, authentication = 'signature', secret = SECRET }) {
	const response = { sent: undefined };
	const answer = {
		status: (status) => ((response.sent = { status }), answer),
		json: (value) => ((response.sent.body = value), answer),
	};
	return {
		response,
		context: {
			getRequestObject: () => ({ rawBody: Buffer.from(body) }),
			getResponseObject: () => answer,
			getHeaderData: () => headers,
			getNodeParameter: (name) => ({ authentication, path: 'aigen-jobs' })[name],
			getCredentials: async () => ({ callbackSecret: secret }),
		},
	};
}
