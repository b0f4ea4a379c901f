import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { AgentError } from './agent-error.ts';
import { parseAgentConfig } from './config.ts';

const full = {
  agent: { device_id: 'press-07' },
  nats: { urls: ['nats://10.0.0.2:4222', 'tls://nats.example:4222'] },
  labels: { group: 'batch7', site: 'warehouse-east' },
  credentials: {
    type: 'zitadel-jwt',
    key_path: '/etc/fleet-agent/zitadel-key.json',
    oidc_issuer_url: 'https://id.example',
    audience: '371639797157987125',
    danger_accept_invalid_certs: true,
  },
};

const without = (section: keyof typeof full, entry: string): string =>
  stringify({
    ...full,
    [section]: Object.fromEntries(Object.entries(full[section]).filter(([name]) => name !== entry)),
  });

describe('parseAgentConfig', () => {
  it('reads every entry', () => {
    expect(parseAgentConfig(stringify(full))).toEqual({
      deviceId: 'press-07',
      natsUrls: full.nats.urls,
      labels: full.labels,
      keyPath: '/etc/fleet-agent/zitadel-key.json',
      issuerUrl: 'https://id.example',
      audience: '371639797157987125',
      acceptInvalidCertificates: true,
    });
  });

  it('takes no labels and strict certificates when the file does not say', () => {
    const { labels: _, ...unlabelled } = full;
    expect(parseAgentConfig(stringify(unlabelled)).labels).toEqual({});
    expect(
      parseAgentConfig(without('credentials', 'danger_accept_invalid_certs')).acceptInvalidCertificates,
    ).toBe(false);
  });

  it.each([
    ['agent', 'device_id'],
    ['nats', 'urls'],
    ['credentials', 'type'],
    ['credentials', 'key_path'],
    ['credentials', 'oidc_issuer_url'],
    ['credentials', 'audience'],
  ] as const)('names what is missing: [%s] %s', (section, entry) => {
    expect(() => parseAgentConfig(without(section, entry))).toThrow(new RegExp(entry));
  });

  it.each([
    [
      'another kind of credentials',
      { credentials: { ...full.credentials, type: 'shared' } },
      /"shared" is not known/,
    ],
    ['no URL', { nats: { urls: [] } }, /at least one URL/],
    ['a label that is no text', { labels: { shelf: 4 } }, /label shelf/],
    [
      'a truthy text for a switch',
      { credentials: { ...full.credentials, danger_accept_invalid_certs: 'no' } },
      /true or false/,
    ],
  ])('refuses %s', (_what, change, message) => {
    expect(() => parseAgentConfig(stringify({ ...full, ...change }))).toThrow(message);
  });

  it('answers any other text with a configuration error of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseAgentConfig(text)).toThrow(AgentError);
      }),
    );
  });
});
