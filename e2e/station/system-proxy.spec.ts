import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { createTestAuthority } from '#shared/adapters/http/testing/certificates.ts';
import { type LabIdentityProvider, startLabIdentityProvider } from '../lab/identity/identity-provider.ts';
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts';
import { expect, freshFolder, invokeRaw, launchStation, snapshot, test } from './fixtures.ts';
import { keepOpenedPages } from './lab-behind.ts';

/*
 * What the system says about proxies, as Chromium reads it on Linux without a desktop: from the environment. The provider
 * has a name that nothing but the proxy can resolve, so whatever arrives has gone through it.
 */

const host = 'id.plant.invalid';
const issuer = `https://${host}`;
/**
 * Nothing of the machine's own settings may decide a test. An empty `auto_proxy` would mean: search for a PAC file.
 */
const noProxySettings = {
  ...{ http_proxy: '', https_proxy: '', all_proxy: '', no_proxy: '' },
  ...{ HTTP_PROXY: '', HTTPS_PROXY: '', ALL_PROXY: '', NO_PROXY: '', XDG_CURRENT_DESKTOP: '' },
};

interface Plant {
  readonly identity: LabIdentityProvider;
  readonly port: number;
  readonly profile: string;
  readonly caFile: string;
  stop(): Promise<void>;
}

let plant: Plant;

test.beforeAll(async () => {
  const folder = freshFolder('plant');
  const authority = createTestAuthority(folder, 'plant');
  const identity = await startLabIdentityProvider({
    ...{ externalOrigin: issuer, pollIntervalSeconds: 1, signal: new AbortController().signal },
    tls: authority.issue({ name: host }),
  });
  const profile = path.join(folder, 'plant.toml');
  fs.writeFileSync(
    profile,
    [
      'name = "plant"\n[identity]',
      `issuer = "${issuer}"\nclient_id = "${identity.clientId}"\nproject_id = "${identity.projectId}"`,
      `ca_file = "${authority.file}"\n[agent]\nbinaries = {}\n`,
    ].join('\n'),
  );
  plant = {
    ...{ identity, profile, caFile: authority.file, port: Number(new URL(identity.listensOn).port) },
    stop: async () => {
      await identity.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
});

test.afterAll(async () => {
  await plant?.stop();
});

/** Signs in with the code that the window shows; the provider's pages are behind the proxy too. */
async function signIn(page: Page): Promise<void> {
  await expect.poll(async () => (await snapshot(page)).session.state).toBe('signed-out');
  expect(await invokeRaw(page, 'session.signIn', 'null')).toMatchObject({ ok: true });
  await expect.poll(async () => (await snapshot(page)).session.state).toBe('awaiting-approval');
  const { session } = await snapshot(page);
  if (session.state !== 'awaiting-approval') throw new Error(`The session is ${session.state}.`);
  await plant.identity.control.decideSignIn({ userCode: session.userCode });
  await expect.poll(async () => (await snapshot(page)).session.state).toBe('signed-in');
}

/** One call of the management API, as the set-up makes it. */
async function callManagement(page: Page): Promise<unknown> {
  const input = { issuer, token: plant.identity.adminToken, caFile: plant.caFile };
  return await invokeRaw(page, 'setup.check', JSON.stringify(input));
}

for (const [how, settings] of [
  ['https_proxy', (proxy: CountingProxy) => ({ https_proxy: `http://${proxy.address}` })],
  [
    'https_proxy beside exceptions for others',
    (proxy: CountingProxy) => ({
      https_proxy: `http://${proxy.address}`,
      no_proxy: 'other.invalid,.west.invalid,10.0.0.0/8',
    }),
  ],
  ['all_proxy', (proxy: CountingProxy) => ({ all_proxy: `http://${proxy.address}` })],
  ['a PAC file', (proxy: CountingProxy) => ({ auto_proxy: `http://${proxy.address}/proxy.pac` })],
  [
    'a PAC file that names one first that is not there',
    (proxy: CountingProxy) => ({ auto_proxy: `http://${proxy.address}/second.pac` }),
  ],
] as const) {
  test(`sign-in and identity calls go through the proxy of the system: ${how}`, async () => {
    const proxy = await startCountingProxy({ [`${host}:443`]: plant.port }, (address) => ({
      '/proxy.pac': `function FindProxyForURL(url, host) {
        return shExpMatch(host, "*.plant.invalid") ? "PROXY ${address}" : "DIRECT";
      }`,
      // Nobody listens on the first one's port.
      '/second.pac': `function FindProxyForURL(url, host) {
        return shExpMatch(host, "*.plant.invalid") ? "PROXY 127.0.0.1:1; PROXY ${address}" : "DIRECT";
      }`,
    }));
    const station = await launchStation({
      args: [`--profile=${plant.profile}`],
      env: { ...noProxySettings, ...settings(proxy) },
    });
    const { page } = station;
    try {
      await keepOpenedPages(station.app);
      await signIn(page);
      expect(proxy.tunnels.length).toBeGreaterThan(0);
      const before = { tunnels: proxy.tunnels.length, bytes: proxy.sentBytes() };
      expect(await callManagement(page)).toMatchObject({
        ok: true,
        value: { state: 'ready', account: 'muster-admin', organisation: { id: plant.identity.orgId } },
      });
      expect(proxy.tunnels.length).toBeGreaterThan(before.tunnels);
      expect(proxy.sentBytes()).toBeGreaterThan(before.bytes);
      // The provider and nothing else: neither the window nor the runtime asks for anything of its own.
      expect(new Set(proxy.tunnels)).toEqual(new Set([`${host}:443`]));
      expect(proxy.forwarded).toEqual([]);
      // The keychain is the machine's: the next station begins without this sign-in.
      expect(await invokeRaw(page, 'session.signOut', 'null')).toMatchObject({ ok: true });
    } finally {
      await station.close();
      await proxy.stop();
    }
  });
}

test('a host the system excepts is never asked for at the proxy', async () => {
  const proxy = await startCountingProxy({ [`${host}:443`]: plant.port });
  const station = await launchStation({
    args: [`--profile=${plant.profile}`],
    env: { ...noProxySettings, https_proxy: `http://${proxy.address}`, no_proxy: '.plant.invalid' },
  });
  try {
    expect(await callManagement(station.page)).toMatchObject({
      ok: false,
      error: { code: 'IDENTITY_UNREACHABLE', evidence: expect.stringContaining('ENOTFOUND') },
    });
    expect(proxy.tunnels).toEqual([]);
  } finally {
    await station.close();
    await proxy.stop();
  }
});

test('a proxy that refuses, is gone, or is of an unknown kind is told as the proxy, not as the provider', async () => {
  const knowsNobody = await startCountingProxy({});
  const gone = await startCountingProxy({});
  await gone.stop();
  for (const [setting, says] of [
    [
      { https_proxy: `http://${knowsNobody.address}` },
      `${knowsNobody.address} refuses the connection (status 502)`,
    ],
    [{ https_proxy: `http://${gone.address}` }, `${gone.address} cannot be reached`],
    [{ SOCKS_SERVER: '127.0.0.1:9' }, 'a proxy of the kind socks'],
  ] as const) {
    const station = await launchStation({
      args: [`--profile=${plant.profile}`],
      env: { ...noProxySettings, ...setting },
    });
    try {
      const answer = await callManagement(station.page);
      expect(answer).toMatchObject({ ok: false });
      expect(JSON.stringify(answer)).toContain(says);
    } finally {
      await station.close();
    }
  }
  await knowsNobody.stop();
});
