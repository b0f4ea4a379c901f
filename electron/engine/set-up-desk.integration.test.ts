import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SetUpNames, SetUpView } from '#shared/model/set-up-view.ts';
import {
  type FaultRequest,
  type LabIdentityProvider,
  startLabIdentityProvider,
} from '../../e2e/lab/identity/index.ts';
import { SetUpDesk } from './set-up-desk.ts';

const noTokenLeft = {
  code: 'STATION_REQUEST_INVALID',
  details: { problem: 'the provider was not asked yet; enter its token again' },
};

/** What the window does, on a provider that nobody has set up. */
describe('the administrator’s token at the desk of the set-up', () => {
  let lab: LabIdentityProvider;
  let folder: string;
  let desk: SetUpDesk;
  let onRequest: (request: FaultRequest) => void;
  let onView: (view: SetUpView) => void;
  /** Limits that still run, by what they call. */
  const limits = new Map<() => void, number>();

  beforeEach(async () => {
    onRequest = () => undefined;
    onView = () => undefined;
    limits.clear();
    const before = (request: FaultRequest) => {
      onRequest(request);
      return undefined;
    };
    lab = await startLabIdentityProvider({
      ...{ signal: new AbortController().signal, keyPoolSize: 0, bare: true, faults: { before } },
    });
    folder = await mkdtemp(path.join(os.tmpdir(), 'muster-desk-'));
    desk = new SetUpDesk({
      userDataDir: folder,
      publish: (view) => onView(view),
      proxyFor: async () => ['direct'],
      clock: {
        after: (ms, callback) => {
          limits.set(callback, ms);
          return () => limits.delete(callback);
        },
      },
    });
    await desk.handle('setup.view', null);
  });
  afterEach(async () => {
    desk.leave();
    await lab.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const out = () => path.join(folder, 'out');
  const names = (): SetUpNames => ({
    ...{ project: 'fleet', deviceApp: 'Muster station', apiApp: 'Muster API', roles: [] },
    ...{ machineUsers: [], natsUrls: [], folder: out() },
  });
  const check = () => desk.handle('setup.check', { issuer: lab.issuer, token: lab.adminToken });
  const begin = () => desk.handle('setup.run', names());
  const view = () => desk.handle('setup.view', null);
  /** Runs to the end, and gives it. */
  const run = async (): Promise<SetUpView> => {
    const ended = new Promise<SetUpView>((resolve) => {
      onView = (shown) => {
        if (shown.state !== 'running') resolve(shown);
      };
    });
    await begin();
    return ended;
  };
  /** A file that is no client config: the run stops before its first change. */
  const spoilFolder = async () => {
    await mkdir(out(), { recursive: true });
    await writeFile(path.join(out(), 'client-config.json'), 'not ours');
  };

  it('is good for the one run it was entered for', async () => {
    expect(await check()).toMatchObject({ state: 'ready' });
    expect(await run()).toMatchObject({ state: 'done' });
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
    expect(await view()).toMatchObject({ state: 'done' });
    // Offered is the folder with the results of the first run: in another one, the second would make new ones.
    expect(await check()).toMatchObject({ state: 'ready', folder: out() });
    expect(await run()).toMatchObject({ state: 'done', changes: 0 });
  });

  it('is kept for a run that failed, as long as the screen stays', async () => {
    await spoilFolder();
    await check();
    const failed = await run();
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'STATION_SETUP_FILE_REFUSED' } });
    expect(failed).not.toHaveProperty('forgotten');
    await rm(out(), { recursive: true });
    expect(await run()).toMatchObject({ state: 'done' });
  });

  it.each([
    ['the screen is left', () => desk.handle('setup.leaveScreen', null)],
    ['the set-up is left', async () => desk.leave()],
  ])('is forgotten when %s', async (_what, leave) => {
    await check();
    await leave();
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
    expect(await view()).toMatchObject({ state: 'idle' });
    expect(limits.size).toBe(0);
  });

  it.each([
    ['the screen', () => desk.handle('setup.leaveScreen', null)],
    ['the set-up', async () => desk.leave()],
  ])('is not stored by a check that still runs when %s is left', async (_what, leave) => {
    const left: unknown[] = [];
    onRequest = ({ path: asked }) => {
      if (left.length === 0 && asked.includes('permissions')) left.push(leave());
    };
    expect(await check()).toMatchObject({ state: 'idle' });
    expect(left).toHaveLength(1);
    expect(await view()).toMatchObject({ state: 'idle' });
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
    expect(limits.size).toBe(0);
  });

  it('that a run failed with is forgotten with the screen; why it failed stays', async () => {
    await spoilFolder();
    await check();
    await run();
    await desk.handle('setup.leaveScreen', null);
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
    expect(await view()).toMatchObject({
      ...{ state: 'failed', forgotten: 'left' },
      error: { code: 'STATION_SETUP_FILE_REFUSED' },
    });
  });

  it('stays with a run that goes on behind another screen, to its end and no longer', async () => {
    await check();
    const left: unknown[] = [];
    onRequest = ({ method }) => {
      if (left.length === 0 && method === 'POST') left.push(desk.handle('setup.leaveScreen', null));
    };
    expect(await run()).toMatchObject({ state: 'done' });
    expect(left).toHaveLength(1);
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
  });

  it('is not kept for a run that fails behind another screen', async () => {
    await spoilFolder();
    await check();
    onRequest = () => void desk.handle('setup.leaveScreen', null);
    expect(await run()).toMatchObject({ state: 'failed', forgotten: 'left' });
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
  });

  it('is forgotten after a while without use, which the window is told', async () => {
    await check();
    const [[forget, ms] = []] = limits;
    expect([limits.size, ms]).toEqual([1, 15 * 60_000]);
    const shown: SetUpView[] = [];
    onView = (next) => shown.push(next);
    forget?.();
    expect(shown).toEqual([{ state: 'idle', forgotten: 'unused' }]);
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
  });

  it('has no limit while a run needs it, and a new one when that has failed', async () => {
    await spoilFolder();
    await check();
    const during: number[] = [];
    onRequest = () => during.push(limits.size);
    await run();
    expect(new Set(during)).toEqual(new Set([0]));
    const [[forget] = []] = limits;
    forget?.();
    expect(await view()).toMatchObject({ state: 'failed', forgotten: 'unused' });
    await expect(begin()).rejects.toMatchObject(noTokenLeft);
  });
});
