import { describe, expect, it } from 'vitest';
import { buildProfile } from '../testing/builders.ts';
import { isLoopbackHost, issuerProblem, profileSchema } from './profile.ts';

const smallest = {
  name: 'Line 1',
  identity: { issuer: 'https://id.example', client_id: '1@fleet', project_id: '2' },
  agent: { binaries: {} },
};

describe('the profile', () => {
  it('has defaults for everything that can have one', () => {
    expect(profileSchema.parse(smallest)).toEqual({
      ...smallest,
      identity: {
        ...smallest.identity,
        ...{
          device_role: 'device',
          key_birth: 'device',
          danger_accept_invalid_certs: false,
          token_cache: 'default',
        },
      },
      ...{
        ssh: { user: 'pi', agent: false, host_keys: 'pin' },
        batch: { concurrency: 8 },
        labels: {},
        bench: [],
      },
    });
    const { nats } = profileSchema.parse({ ...smallest, nats: { urls: ['tls://n.example'] } });
    expect(nats).toEqual({
      ...{ urls: ['tls://n.example'], bucket: 'fleet-device-info', heartbeat_limit_seconds: 90 },
    });
  });

  const identity = (change: object) => ({ ...smallest, identity: { ...smallest.identity, ...change } });
  const refused: [string, object][] = [
    ['an unknown key at the top', { ...smallest, labelz: {} }],
    ['an unknown key in a table', identity({ client_secret: 'x' })],
    ['an issuer of another scheme', identity({ issuer: 'ftp://id.example' })],
    ['an issuer with a query', identity({ issuer: 'https://id.example/?a=1' })],
    ['an issuer that is no address', identity({ issuer: 'id.example' })],
    ['a client id with a space', identity({ client_id: 'fleet app' })],
    ['a NATS address of another scheme', { ...smallest, nats: { urls: ['http://n.example'] } }],
    ['no NATS address', { ...smallest, nats: { urls: [] } }],
    ['an architecture nobody knows', { ...smallest, agent: { binaries: { riscv64: 'x' } } }],
    ['no concurrency', { ...smallest, batch: { concurrency: 0 } }],
    ['a device id that is not valid', { ...smallest, bench: [{ device_id: 'A', target: 'h' }] }],
    ['a target with a password', { ...smallest, bench: [{ device_id: 'a', target: 'pi:x@h' }] }],
    ['a label name with a quote', { ...smallest, labels: { "a'b": 'x' } }],
    ['a missing issuer', identity({ issuer: undefined })],
  ];

  it.each(refused)('refuses %s', (_what, profile) => {
    expect(profileSchema.safeParse(profile).success).toBe(false);
  });
});

describe('plain http', () => {
  const problem = (issuer: string, accepts = false) =>
    issuerProblem(
      buildProfile({
        identity: { issuer, client_id: '1', project_id: '2', danger_accept_invalid_certs: accepts },
      }).identity,
    );

  it.each(['https://id.example', 'http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080'])(
    'is no matter for %s',
    (issuer) => {
      expect(problem(issuer)).toBeUndefined();
    },
  );

  it.each([
    'http://id.example',
    'http://10.0.0.1',
    'http://localhost.evil.example',
    'http://127.0.0.1.nip.io',
  ])('is refused for %s', (issuer) => {
    expect(problem(issuer)).toContain('https');
    expect(problem(issuer, true)).toBeUndefined();
  });

  it('knows loopback by the host alone', () => {
    expect(['localhost', '127.9.9.9', '[::1]'].every(isLoopbackHost)).toBe(true);
    expect(['example', '128.0.0.1', '::2', 'localhost.'].some(isLoopbackHost)).toBe(false);
  });
});
