import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IDataObject,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { JOB_TYPES, readJob } from '../shared/job';
import type { Job } from '../shared/job';
import { readSecrets, verify } from '../shared/signature';
import type { Refusal } from '../shared/signature';

/** What a refusal is told; none of it helps to forge a signature. */
const REFUSALS: Record<Refusal, string> = {
	missing: 'webhook-id, webhook-timestamp and webhook-signature are needed.',
	malformed: 'webhook-id, webhook-timestamp or webhook-signature is malformed.',
	timestamp: 'webhook-timestamp is more than 5 minutes away from now: do the clocks agree?',
	mismatch:
		'webhook-signature was not made with the secret in the credential of the aigen Trigger.',
};

export class AigenTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'aigen Trigger',
		name: 'aigenTrigger',
		icon: { light: 'file:../../icons/aigen.svg', dark: 'file:../../icons/aigen.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '=/{{$parameter["path"]}}',
		description: 'Starts the workflow when aigen has a job: pictures to be made',
		defaults: { name: 'aigen Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Samples', 'Final'],
		credentials: [
			{
				name: 'aigenApi',
				required: true,
				testedBy: 'testCredential',
				displayOptions: { show: { authentication: ['signature'] } },
			},
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				isFullPath: true,
				path: '={{$parameter["path"]}}',
			},
		],
		properties: [
			{
				displayName:
					'Set N8N_WEBHOOK_URL of the service to the production URL above, and activate this workflow. Where the service has RABBITMQ_URL instead, use a RabbitMQ Trigger and the aigen action "Parse Job".',
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Path',
				name: 'path',
				type: 'string',
				default: 'aigen-jobs',
				required: true,
				description: 'The path of the webhook, after /webhook/',
			},
			{
				displayName: 'Authentication',
				name: 'authentication',
				type: 'options',
				options: [
					{
						name: 'Signature (Recommended)',
						value: 'signature',
						description: 'Takes only jobs that the service has signed with the shared secret',
					},
					{
						name: 'None',
						value: 'none',
						description: 'Takes jobs from whoever finds the address: for a closed network only',
					},
				],
				default: 'signature',
			},
		],
	};

	/** There is nothing to register: the service has the address in its settings. */
	webhookMethods = {
		default: {
			async checkExists(): Promise<boolean> {
				return true;
			},
			async create(): Promise<boolean> {
				return true;
			},
			async delete(): Promise<boolean> {
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const raw = await rawBody.call(this);
		if (this.getNodeParameter('authentication') === 'signature') {
			const refusal = await refusalOf.call(this, raw);
			if (refusal !== undefined) return answer.call(this, 401, refusal);
		}
		let job: Job;
		try {
			job = readJob(raw.toString('utf8'));
		} catch (error) {
			// Final for the service: it fails the generation and frees its credits.
			return answer.call(this, 422, (error as Error).message);
		}
		const outputs = JOB_TYPES.map((type) => (type === job.jobType ? [{ json: job }] : []));
		return { workflowData: outputs, webhookResponse: { accepted: job.jobId } };
	}
}

/** The bytes as they came, which the signature is over. */
async function rawBody(this: IWebhookFunctions): Promise<Buffer> {
	const request = this.getRequestObject() as unknown as {
		rawBody?: Buffer;
		readRawBody?: () => Promise<void>;
	};
	if (request.rawBody === undefined) await request.readRawBody?.();
	return request.rawBody ?? Buffer.alloc(0);
}

async function refusalOf(this: IWebhookFunctions, body: Buffer): Promise<string | undefined> {
	const credential = await this.getCredentials('aigenApi');
	const keys = readSecrets(String(credential.callbackSecret ?? ''));
	if (keys === undefined)
		return 'The secret in the credential of the aigen Trigger cannot be read.';
	const refusal = verify(
		keys,
		this.getHeaderData() as IDataObject & Record<string, string>,
		body,
		Date.now() / 1000,
	);
	return refusal === undefined ? undefined : REFUSALS[refusal];
}

/** Answers without starting the workflow. */
function answer(this: IWebhookFunctions, status: number, detail: string): IWebhookResponseData {
	this.getResponseObject().status(status).json({ status, detail });
	return { noWebhookResponse: true };
}
