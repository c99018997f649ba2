import { randomUUID } from 'node:crypto';
import { ApplicationError } from 'n8n-workflow';
import type {
	IAuthenticate,
	ICredentialDataDecryptedObject,
	ICredentialType,
	IHttpRequestOptions,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

import { readSecrets, sign } from '../nodes/shared/signature';

/**
 * The secret that n8n and the service share. It signs what n8n sends, and checks what n8n gets. Jobs
 * from RabbitMQ whose reports are proved by the job's own token need no credential at all.
 */
export class AigenApi implements ICredentialType {
	name = 'aigenApi';

	displayName = 'Aigen API';

	icon: Icon = { light: 'file:../icons/aigen.svg', dark: 'file:../icons/aigen.dark.svg' };

	documentationUrl =
		'https://github.com/creativeflow/aigen/tree/main/integrations/n8n/nodes-aigen#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'Service URL',
			name: 'baseUrl',
			type: 'string',
			default: 'http://localhost:8000',
			placeholder: 'e.g. https://aigen.example.com',
			required: true,
			description:
				'Where the service is, as n8n reaches it. Only the test of this credential goes there: reports go where their job says.',
		},
		{
			displayName: 'Callback Secret',
			name: 'callbackSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description:
				'N8N_CALLBACK_SECRET of the service. While it is being changed: both, separated by a comma; the first signs, both are accepted.',
		},
	];

	/** Signs the very bytes that are sent, anew at each try: a signature is good for five minutes. */
	authenticate: IAuthenticate = async (
		credentials: ICredentialDataDecryptedObject,
		request: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> => {
		const key = readSecrets(String(credentials.callbackSecret ?? ''))?.[0];
		if (key === undefined) {
			throw new ApplicationError(
				'The callback secret of the aigen credential is empty, or starts with whsec_ and is not base64 after that',
			);
		}
		const body = bytesOf(request.body);
		const signature = sign(key, randomUUID(), Date.now() / 1000, body);
		return { ...request, body, headers: { ...request.headers, ...signature } };
	};
}

function bytesOf(body: unknown): Buffer {
	if (Buffer.isBuffer(body)) return body;
	return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? {}), 'utf8');
}
