import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Standard Webhooks signatures (https://www.standardwebhooks.com, spec 1.0): an HMAC-SHA256 over
 * "id.timestamp.body". What is accepted and refused here is what internal/webhooksig of the service
 * accepts and refuses; both are tested with the same vectors.
 */

/** How far a timestamp may lie in the past or in the future, in seconds. */
const TOLERANCE = 5 * 60;

const MAX_SIGNATURES = 16;
const MAX_ID_BYTES = 256;
const MAX_SIGNATURE_BYTES = 2048;
const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+$/;
const SIGNATURE = /^v1,([A-Za-z0-9+/]{43}=)$/;

/** The three headers of a signed webhook. */
export interface SignatureHeaders {
	'webhook-id': string;
	'webhook-timestamp': string;
	'webhook-signature': string;
}

/** Why a signature is refused; undefined if it is right. */
export type Refusal = 'missing' | 'malformed' | 'timestamp' | 'mismatch';

/**
 * The keys in the text of N8N_CALLBACK_SECRET: comma-separated, the first signs, all are accepted.
 * A secret is whsec_ and base64, otherwise its text itself is the key. Undefined means that the text
 * holds none, or one that cannot be read.
 */
export function readSecrets(text: string): Buffer[] | undefined {
	const keys: Buffer[] = [];
	for (const part of text.split(',')) {
		const secret = part.trim();
		if (secret === '') continue;
		const key = readSecret(secret);
		if (key === undefined) return undefined;
		keys.push(key);
	}
	return keys.length > 0 ? keys : undefined;
}

function readSecret(secret: string): Buffer | undefined {
	if (!secret.startsWith(PREFIX)) return Buffer.from(secret, 'utf8');
	const encoded = secret.slice(PREFIX.length).replace(/=+$/, '');
	// Buffer.from leaves out what is no base64, and would make a key of a misspelt one.
	if (!BASE64.test(encoded) || encoded.length % 4 === 1) return undefined;
	return Buffer.from(encoded, 'base64');
}

/** The headers that sign a body at a time, in seconds since 1970. */
export function sign(key: Buffer, id: string, seconds: number, body: Buffer): SignatureHeaders {
	const timestamp = String(Math.floor(seconds));
	return {
		'webhook-id': id,
		'webhook-timestamp': timestamp,
		'webhook-signature': 'v1,' + mac(key, id, timestamp, body).toString('base64'),
	};
}

/**
 * Checks that the body was signed with one of the keys within five minutes of now. All keys are
 * compared with all signatures, whatever matches, so that the time does not tell which one did.
 */
export function verify(
	keys: Buffer[],
	headers: Partial<Record<keyof SignatureHeaders, string>>,
	body: Buffer,
	now: number,
): Refusal | undefined {
	const id = headers['webhook-id'] ?? '';
	const timestamp = headers['webhook-timestamp'] ?? '';
	const signature = headers['webhook-signature'] ?? '';
	if (id === '' || timestamp === '' || signature === '') return 'missing';
	if (Buffer.byteLength(id) > MAX_ID_BYTES) return 'malformed';
	if (Buffer.byteLength(signature) > MAX_SIGNATURE_BYTES) return 'malformed';
	// Digits only, no leading zero: a moment has one spelling.
	if (!/^[1-9][0-9]{0,11}$/.test(timestamp)) return 'malformed';
	if (Math.abs(now - Number(timestamp)) > TOLERANCE) return 'timestamp';
	const signatures = readSignatures(signature);
	if (signatures.length === 0) return 'malformed';
	let matches = false;
	for (const key of keys) {
		const want = mac(key, id, timestamp, body);
		for (const got of signatures) {
			if (timingSafeEqual(want, got)) matches = true;
		}
	}
	return matches ? undefined : 'mismatch';
}

/** The v1 signatures among the first entries; other versions are left out, as the spec asks. */
function readSignatures(header: string): Buffer[] {
	const found: Buffer[] = [];
	for (const entry of header.split(' ').slice(0, MAX_SIGNATURES)) {
		const encoded = SIGNATURE.exec(entry)?.[1];
		if (encoded === undefined) continue;
		const sum = Buffer.from(encoded, 'base64');
		// One sum has one spelling: the last character must carry no stray bits.
		if (sum.length === 32 && sum.toString('base64') === encoded) found.push(sum);
	}
	return found;
}

function mac(key: Buffer, id: string, timestamp: string, body: Buffer): Buffer {
	return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
