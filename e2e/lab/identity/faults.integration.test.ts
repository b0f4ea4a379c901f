import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import { ownLoopback } from '../testing/own-loopback.ts';
import type { Fault, FaultRequest } from './faults.ts';
import type { LabIdentityProvider } from './identity-provider.ts';
import { apiOf, startTestLab, unlessItHangs } from './lab-testkit.ts';

const machines = '/management/v1/users/machine';

describe('faults, inspection and the life of a lab', () => {
  const started: LabIdentityProvider[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((lab) => lab.stop()));
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
  });

  async function labWith(before: (request: FaultRequest) => Fault | undefined): Promise<LabIdentityProvider> {
    const lab = await startTestLab({ faults: { before } });
    started.push(lab);
    return lab;
  }

  it('does what was asked and then drops the answer', async () => {
    const lab = await labWith(({ path, earlier }) =>
      path === machines && earlier === 0 ? 'drop-response' : undefined,
    );
    const api = apiOf(lab, lab.adminToken);
    const user = { userName: 'device-a', name: 'a' };
    await expect(api('POST', machines, user)).rejects.toThrow();
    expect(lab.inspect().mutations['user.created']).toBe(1);
    expect((await api('POST', machines, user)).status).toBe(409);
    expect(lab.inspect().requests.map(({ status }) => status)).toEqual([0, 409]);
  });

  it('drops answers of the OIDC endpoints too', async () => {
    const lab = await labWith(({ path }) => (path.endsWith('/keys') ? 'drop-response' : undefined));
    await expect(fetch(`${lab.issuer}/oauth/v2/keys`, { signal: unlessItHangs() })).rejects.toThrow();
    expect(
      (await fetch(`${lab.issuer}/.well-known/openid-configuration`, { signal: unlessItHangs() })).status,
    ).toBe(200);
  });

  it('answers in place of the provider, without acting', async () => {
    const lab = await labWith(({ earlier }) =>
      earlier === 0
        ? { status: 429, body: { code: 8, message: 'slow down' }, headers: { 'retry-after': '1' } }
        : undefined,
    );
    const api = apiOf(lab, lab.adminToken);
    const user = { userName: 'device-b', name: 'b' };
    expect(await api('POST', machines, user)).toEqual({
      status: 429,
      body: { code: 8, message: 'slow down' },
    });
    expect(lab.inspect().mutations).toEqual({});
    expect((await api('POST', machines, user)).status).toBe(200);
  });

  it('delays, sees the body, and does not hold up a stop', async () => {
    const seen: string[] = [];
    const lab = await labWith(({ body }) => {
      seen.push(body);
      return { delayMs: 600_000 };
    });
    const call = apiOf(lab, lab.adminToken)('POST', machines, { userName: 'device-c' });
    const ended = expect(call).rejects.toThrow();
    await expect.poll(() => seen, { timeout: HANGS_AFTER_MS }).toEqual(['{"userName":"device-c"}']);
    await lab.stop();
    await ended;
  });

  it('stops with its signal and gives the port back', async () => {
    const stopping = new AbortController();
    const host = ownLoopback();
    const lab = await startTestLab({ signal: stopping.signal, host });
    const port = Number(new URL(lab.issuer).port);
    stopping.abort();
    await lab.stop();
    const next = await startTestLab({ port, host });
    started.push(next);
    expect(next.issuer).toBe(lab.issuer);
    await expect(startTestLab({ port, host })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('is the same provider again on the same data folder, kept from other users', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'muster-lab-identity-'));
    folders.push(dataDir);
    const keysOf = async (lab: LabIdentityProvider) => (await fetch(`${lab.issuer}/oauth/v2/keys`)).json();
    const first = await startTestLab({ dataDir });
    const firstKeys = await keysOf(first);
    await first.stop();
    const second = await startTestLab({ dataDir });
    started.push(second);
    expect(await keysOf(second)).toEqual(firstKeys);
    expect(JSON.stringify(firstKeys)).not.toMatch(/"(d|p|q)":/);
    expect([second.clientId, second.projectId, second.orgId]).toEqual([
      first.clientId,
      first.projectId,
      first.orgId,
    ]);
    const file = join(dataDir, 'lab-identity.json');
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(await readFile(file, 'utf8')).toContain(second.clientId);
  });

  it('refuses to listen on every address of the computer at once', async () => {
    await expect(startTestLab({ host: '0.0.0.0' })).rejects.toThrow();
  });
});
