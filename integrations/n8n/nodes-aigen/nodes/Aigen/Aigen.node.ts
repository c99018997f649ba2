import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';

import { testCredential } from '../shared/credentialTest';
import { parseJobs } from './parseJobs';
import { properties } from './properties';
import { sendReports } from './sendReports';

export class Aigen implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'aigen',
		name: 'aigen',
		icon: { light: 'file:../../icons/aigen.svg', dark: 'file:../../icons/aigen.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{ $parameter["operation"] }}',
		description: 'Reports to aigen what became of its jobs: samples, finals, progress, failures',
		defaults: { name: 'aigen' },
		inputs: [NodeConnectionTypes.Main],
		outputs:
			'={{ $parameter["operation"] === "parseJob" ? [{ type: "main", displayName: "Samples" }, { type: "main", displayName: "Final" }] : [{ type: "main" }] }}',
		credentials: [
			{
				name: 'aigenApi',
				required: true,
				testedBy: 'testCredential',
				displayOptions: {
					show: {
						operation: ['reportFailure', 'reportFinal', 'reportProgress', 'reportSamples'],
						authentication: ['signature'],
					},
				},
			},
		],
		usableAsTool: true,
		properties,
	};

	methods = { credentialTest: { testCredential } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const operation = this.getNodeParameter('operation', 0) as string;
		if (operation === 'parseJob') return parseJobs.call(this);
		return [await sendReports.call(this, operation)];
	}
}
