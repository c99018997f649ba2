import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { dist } from './world.mjs';

const { readSecrets, sign, verify } = dist('nodes/shared/signature');

// The same file that internal/webhooksig of the service is tested with.
const file = new URL('../../../../internal/webhooksig/testdata/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8'));

test('there are vectors of every kind', () => {
	assert.ok(vectors.length > 20);
	const kinds = new Set(vectors.map((vector) => vector.refusal));
	assert.deepEqual([...kinds].sort(), ['', 'malformed', 'mismatch', 'missing', 'timestamp']);
});

for (const vector of vectors) {
	test(`shared vector: ${vector.name}`, () => {
		const keys = readSecrets(vector.secret);
		const headers = {
			'webhook-id': vector.id,
			'webhook-timestamp': vector.timestamp,
			'webhook-signature': vector.signature,
		};
		const body = Buffer.from(vector.body);
		assert.equal(verify(keys, headers, body, vector.now) ?? '', vector.refusal);
		if (vector.signs) {
			assert.deepEqual(sign(keys[0], vector.id, Number(vector.timestamp), body), headers);
		}
	});
}

test('a secret that cannot be read is none', () => {
	for (const text of [
		'',
		' , ',
		'whsec_',
		'whsec_====',
		'whsec_not base64!',
		'good,whsec_hunter2-hunter2',
		'whsec_AAAAA',
	]) {
		assert.equal(readSecrets(text), undefined, text);
	}
	assert.equal(readSecrets('one, two').length, 2);
});
