import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { buildProfile, deviceId } from '../testing/builders.ts';
import { enrollOnce } from '../testing/enroll-once.ts';
import { createFakePorts } from '../testing/fake-ports.ts';
import { agentConfig } from './agent-config.ts';
import { configPath, keyPath } from './paths.ts';

const profile = buildProfile();
const id = deviceId('board-01');

describe('the agent’s config', () => {
  it('is, byte for byte', () => {
    expect(agentConfig(profile, id, { site: 'warehouse-east', group: 'batch7' })).toBe(`[agent]
device_id = "board-01"

[nats]
urls = [ "nats://nats.example:4222" ]

[labels]
group = "batch7"
site = "warehouse-east"

[credentials]
type = "zitadel-jwt"
key_path = "/etc/fleet-agent/zitadel-key.json"
oidc_issuer_url = "https://id.example"
audience = "371639797157000001"
danger_accept_invalid_certs = false
`);
  });

  it('has the addresses the devices use, where they differ', () => {
    const nats = { urls: ['nats://a:1'], device_urls: ['tls://b:2'] };
    expect(parse(agentConfig(buildProfile({ nats }), id, {}))).toMatchObject({
      nats: { urls: ['tls://b:2'] },
    });
    expect(parse(agentConfig(buildProfile({ nats: undefined }), id, {}))).toMatchObject({
      nats: { urls: [] },
    });
  });

  it('is equal bytes for equal labels in any order, and reads back as what was meant', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,10}[A-Za-z0-9])?$/);
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom(...`"'\\\n\r\t]=[#$ü`), maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (labels, chance) => {
          const shuffled = labels
            .map((label) => ({ label, rank: chance.next().value }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ label }) => label);
          const text = agentConfig(profile, id, Object.fromEntries(labels));
          expect(agentConfig(profile, id, Object.fromEntries(shuffled))).toBe(text);
          expect({ ...(parse(text).labels as object) }).toEqual(Object.fromEntries(labels));
        },
      ),
    );
  });

  it('is byte-identical whether the key was minted just now or was there before', async () => {
    const minted = createFakePorts();
    const fresh = minted.addDevice('board-01', 'board.local');
    await enrollOnce(minted, 'board.local');

    const supplied = createFakePorts();
    const withKey = supplied.addDevice('board-01', 'board.local');
    const signal = new AbortController().signal;
    const { userId } = await supplied.identity.ensureAccount(id, 'new', signal);
    const key = await supplied.identity.mintKey(userId, 1_900_000_000_000, signal);
    withKey.files.set(keyPath, { content: key.file.reveal(), rights: '640:998:997' });
    const calls = supplied.identity.calls.length;
    await enrollOnce(supplied, 'board.local');

    expect(supplied.identity.calls.slice(calls)).not.toContain('mintKey');
    expect(withKey.keyId).toBe(key.keyId);
    expect(withKey.files.get(configPath)).toEqual(fresh.files.get(configPath));
  });
});
