import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { architectures } from '../../model/facts.ts';
import { profileSchema } from '../../model/profile.ts';
import { loadProfile } from './profile-file.ts';

const example = path.resolve(import.meta.dirname, '../../../resources/profile.example.toml');

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** Names of all settings of a schema: `nats.urls`, `bench.device_id`. */
function settingsOf(node: SchemaNode, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const here = `${prefix}${name}`;
    const inside = child.items?.properties === undefined ? child : child.items;
    return inside.properties === undefined ? [here] : settingsOf(inside, `${here}.`);
  });
}

/** Names of all values of a TOML document, the entries of an array of tables taken together. */
function valuesOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'object'))
    return value.flatMap((entry) => valuesOf(entry, prefix));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [prefix];
  return Object.entries(value).flatMap(([name, child]) =>
    valuesOf(child, prefix === '' ? name : `${prefix}.${name}`),
  );
}

test('the example is a valid profile, its files seen from its own folder', async () => {
  const profile = await loadProfile(example, new AbortController().signal);
  expect(profile.bench.map((entry) => entry.device_id)).toEqual(['east-001', 'east-002']);
  expect(profile.identity.danger_accept_invalid_certs).toBe(false);
  expect(profile.ssh.private_key_file).toBe(path.join(path.dirname(example), 'bench-key'));
});

test('the example names every setting there is', async () => {
  const named = new Set(valuesOf(parse(await readFile(example, 'utf8'))));
  const settings = settingsOf(z.toJSONSchema(profileSchema, { io: 'input' }) as SchemaNode);
  // Guards the walk itself: a change of the schema library's output must not make this test say yes to anything.
  expect(settings).toEqual(expect.arrayContaining(['identity.issuer', 'nats.device_urls', 'bench.target']));
  const records = ['labels', 'agent.binaries', 'bench.labels', 'identity.resolve'];
  expect(settings.filter((name) => !records.includes(name) && !named.has(name))).toEqual([]);
  expect(named).toContain('bench.labels.socket');
  expect(named).toContain('identity.resolve.id.example.com');
  expect(architectures.filter((name) => !named.has(`agent.binaries.${name}`))).toEqual([]);
});

test('what the example says about defaults is so', async () => {
  const document = z.record(z.string(), z.unknown()).parse(parse(await readFile(example, 'utf8')));
  const { name, identity, nats, agent } = document as Record<string, Record<string, unknown>>;
  const shortest = profileSchema.parse({
    name,
    identity: { issuer: identity?.issuer, client_id: identity?.client_id, project_id: identity?.project_id },
    nats: { urls: nats?.urls },
    agent,
  });
  expect(shortest).toMatchObject({
    identity: { device_role: 'device', danger_accept_invalid_certs: false },
    nats: { bucket: 'fleet-device-info', heartbeat_limit_seconds: 90 },
    ssh: { user: 'pi', agent: false, host_keys: 'pin' },
    batch: { concurrency: 8 },
    labels: {},
    bench: [],
  });
});

test('every setting of the example has a comment', async () => {
  const lines = (await readFile(example, 'utf8')).split('\n');
  const bare = lines.filter((line, index) => {
    const isSetting = /^\w+ = /.test(line);
    const isLabel = /^(group|site) = /.test(line);
    const isSecondDevice = line.startsWith('target = "ssh://[');
    return isSetting && !isLabel && !isSecondDevice && !lines[index - 1]?.startsWith('# ');
  });
  expect(bare).toEqual([]);
});
