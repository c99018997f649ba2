import type { INodeProperties } from 'n8n-workflow';

const REPORTS = ['reportFailure', 'reportFinal', 'reportProgress', 'reportSamples'];
const PICTURES = ['reportFinal', 'reportSamples'];

const operation: INodeProperties = {
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Parse Job',
			value: 'parseJob',
			action: 'Parse a job',
			description: 'Read the job in a message of the RabbitMQ Trigger, and give it out by its type',
		},
		{
			name: 'Report Failure',
			value: 'reportFailure',
			action: 'Report a failure',
			description: 'Say that the pictures could not be made, or are not allowed',
		},
		{
			name: 'Report Final',
			value: 'reportFinal',
			action: 'Report the final picture',
			description: 'Hand in the final picture',
		},
		{
			name: 'Report Progress',
			value: 'reportProgress',
			action: 'Report progress',
			description: 'Show the user how far it is, and pass the items on',
		},
		{
			name: 'Report Samples',
			value: 'reportSamples',
			action: 'Report samples',
			description: 'Hand in the samples: all items of a job in one report',
		},
	],
	default: 'reportSamples',
};

const authentication: INodeProperties = {
	displayName: 'Authentication',
	name: 'authentication',
	type: 'options',
	options: [
		{
			name: 'Token of the Job',
			value: 'jobToken',
			description: 'The token that each job brings along, good for that job alone',
		},
		{
			name: 'Signature',
			value: 'signature',
			description: 'A Standard Webhooks signature made with the secret in a credential',
		},
	],
	default: 'jobToken',
	description: 'How the report proves that it comes from your workflow',
	displayOptions: { show: { operation: REPORTS } },
};

const job: INodeProperties[] = [
	{
		displayName: 'Job',
		name: 'jobSource',
		type: 'options',
		options: [
			{
				name: 'From the Trigger or Parse Job Before',
				value: 'auto',
				description: 'The job that the item came from',
			},
			{ name: 'Define Below', value: 'define' },
		],
		default: 'auto',
		description: 'Which job is reported on',
		displayOptions: { show: { operation: REPORTS } },
	},
	{
		displayName: 'Job',
		name: 'job',
		type: 'json',
		default: '={{ $json }}',
		required: true,
		description: 'The job as it came, with its "callback"',
		displayOptions: { show: { operation: REPORTS, jobSource: ['define'] } },
	},
];

const picture: INodeProperties[] = [
	{
		displayName: 'Picture URL',
		name: 'url',
		type: 'string',
		default: '={{ $json.url }}',
		required: true,
		description: 'Where users can load the picture: http, https, or a path at the service',
		displayOptions: { show: { operation: PICTURES } },
	},
	{
		displayName: 'Picture Details',
		name: 'details',
		type: 'collection',
		placeholder: 'Add Detail',
		default: {},
		displayOptions: { show: { operation: PICTURES } },
		options: [
			{
				displayName: 'Asset ID',
				name: 'assetId',
				type: 'string',
				default: '',
				description:
					'Your own ID of the picture, the same each time the job is repeated. By default it is made of the job and the place in the list.',
			},
			{
				displayName: 'Format',
				name: 'format',
				type: 'string',
				default: '',
				placeholder: 'e.g. png',
			},
			{
				displayName: 'Height',
				name: 'height',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 0,
				description: 'In pixels',
			},
			{
				displayName: 'Metadata',
				name: 'metadata',
				type: 'json',
				default: '{}',
				description: 'Anything else that is to be kept with the picture, as a JSON object',
			},
			{
				displayName: 'Width',
				name: 'width',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 0,
				description: 'In pixels',
			},
		],
	},
	{
		displayName: 'AI Model',
		name: 'aiModelUsed',
		type: 'string',
		default: '',
		placeholder: 'e.g. gpt-image-1',
		description: 'What made the pictures; it is shown with the generation',
		displayOptions: { show: { operation: PICTURES } },
	},
];

const progress: INodeProperties = {
	displayName: 'Percent',
	name: 'percent',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 100 },
	default: 50,
	description: 'How much of the stage is done',
	displayOptions: { show: { operation: ['reportProgress'] } },
};

const failure: INodeProperties[] = [
	{
		displayName: 'Kind',
		name: 'kind',
		type: 'options',
		options: [
			{
				name: 'Content Not Allowed',
				value: 'rejected',
				description: 'The rules of the AI model forbid what was asked for; it is not tried again',
			},
			{ name: 'Error', value: 'error', description: 'Something went wrong' },
		],
		default: 'error',
		displayOptions: { show: { operation: ['reportFailure'] } },
	},
	{
		displayName: 'Message',
		name: 'message',
		type: 'string',
		default: '={{ $json.error?.message ?? $json.error ?? "" }}',
		description: 'What went wrong, for the user who waits; a stack is left out',
		displayOptions: { show: { operation: ['reportFailure'] } },
	},
	{
		displayName: 'Code',
		name: 'code',
		type: 'string',
		default: 'generation_failed',
		description: 'What went wrong, for programs, such as provider_timeout',
		displayOptions: { show: { operation: ['reportFailure'], kind: ['error'] } },
	},
	{
		displayName: 'Retryable',
		name: 'retryable',
		type: 'boolean',
		default: true,
		description:
			'Whether the service may have the stage made again, a few times and within its deadline, before the generation fails',
		displayOptions: { show: { operation: ['reportFailure'], kind: ['error'] } },
	},
];

const options: INodeProperties = {
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	placeholder: 'Add Option',
	default: {},
	displayOptions: { show: { operation: REPORTS } },
	options: [
		{
			displayName: 'Timeout',
			name: 'timeout',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 30,
			description: 'How long one answer of the service is waited for, in seconds',
		},
		{
			displayName: 'Tries',
			name: 'tries',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 20 },
			default: 7,
			description:
				'How often a report is sent while the service cannot be reached or has an error of its own. The pauses grow from half a second to 15 seconds.',
		},
	],
};

export const properties: INodeProperties[] = [
	operation,
	authentication,
	...job,
	...picture,
	progress,
	...failure,
	options,
];
