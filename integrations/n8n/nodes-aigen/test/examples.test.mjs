import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { dist } from './world.mjs';

const { Aigen } = dist('nodes/Aigen/Aigen.node');
const { AigenTrigger } = dist('nodes/AigenTrigger/AigenTrigger.node');
const own = {
	'n8n-nodes-aigen.aigen': new Aigen().description,
	'n8n-nodes-aigen.aigenTrigger': new AigenTrigger().description,
};

const folder = new URL('../examples/', import.meta.url);
for (const file of readdirSync(folder)) {
	const workflow = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));

	test(`${file} uses what the nodes have`, () => {
		const used = workflow.nodes.filter((node) => own[node.type]);
		assert.ok(used.length >= 5);
		for (const node of used) {
			const { properties, version } = own[node.type];
			assert.equal(node.typeVersion, version);
			for (const [name, value] of Object.entries(node.parameters)) {
				const property = properties.find((candidate) => candidate.name === name);
				assert.ok(property, `${node.name}: there is no parameter ${name}`);
				if (property.type === 'options') {
					assert.ok(
						property.options.some((option) => option.value === value),
						`${node.name}: ${value}`,
					);
				}
			}
		}
	});

	test(`${file} connects nodes that are there, and holds no secret`, () => {
		const names = new Set(workflow.nodes.map((node) => node.name));
		for (const [from, { main }] of Object.entries(workflow.connections)) {
			assert.ok(names.has(from), from);
			for (const { node } of main.flat()) assert.ok(names.has(node), node);
		}
		for (const node of workflow.nodes) {
			for (const credential of Object.values(node.credentials ?? {})) {
				assert.deepEqual(Object.keys(credential).sort(), ['id', 'name']);
			}
		}
	});
}
