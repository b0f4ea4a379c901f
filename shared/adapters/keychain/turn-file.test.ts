import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { unlessItHangs } from '../../testing/patience.ts';
import { createTurnFile } from './turn-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'muster-turns-'));
  file = path.join(folder, 'one.turn');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A clock whose waits pass by themselves. */
function skipping(): FakeClock {
  const clock = new FakeClock();
  clock.sleep = async (ms) => clock.advance(ms);
  return clock;
}
const ownedBy = (pid: number, host = os.hostname()) => JSON.stringify({ turn: 'other', pid, host });

describe('turns', () => {
  it('are had one after the other, and leave no file', async () => {
    let inside = 0;
    let most = 0;
    const one = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(
      Array.from({ length: 8 }, () => createTurnFile({ path: file }).run(one, unlessItHangs())),
    );
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('end when the work fails, with its error', async () => {
    const turns = createTurnFile({ path: file });
    await expect(turns.run(() => Promise.reject(new Error('work')), unlessItHangs())).rejects.toThrow('work');
    expect(await turns.run(async () => 'next', unlessItHangs())).toBe('next');
  });

  it('of a process that died are passed over at once', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    await writeFile(file, ownedBy(pid));
    const clock = skipping();
    await createTurnFile({ path: file, clock }).run(async () => undefined, unlessItHangs());
    expect(clock.monotonicMs()).toBe(0);
  });

  it.each([
    ['a living process', () => ownedBy(process.ppid)],
    ['a process of another computer', () => ownedBy(1, 'another-computer')],
    ['a half-written file', () => '{"tu'],
  ])('of %s last a minute, measured by the one who waits', async (_name, text) => {
    await writeFile(file, text());
    const clock = skipping();
    await createTurnFile({ path: file, clock }).run(async () => undefined, unlessItHangs());
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(60_000);
    expect(clock.monotonicMs()).toBeLessThan(61_000);
  });

  it('are not ended by an owner who lost its own', async () => {
    await createTurnFile({ path: file }).run(() => writeFile(file, ownedBy(process.ppid)), unlessItHangs());
    expect(await readFile(file, 'utf8')).toBe(ownedBy(process.ppid));
  });

  it('are given up on when others keep taking them, and when told to', async () => {
    const clock = new FakeClock();
    let count = 0;
    clock.sleep = async (ms) => {
      count += 1;
      clock.advance(ms);
      await writeFile(file, JSON.stringify({ turn: String(count), pid: process.ppid, host: os.hostname() }));
    };
    await writeFile(file, ownedBy(process.ppid));
    await expect(
      createTurnFile({ path: file, clock }).run(async () => undefined, unlessItHangs()),
    ).rejects.toMatchObject({
      code: 'STATION_KEYCHAIN_UNAVAILABLE',
      details: { problem: `another Muster (process ${process.ppid}) does not let go of the sign-in.` },
    });
    const reason = new Error('enough');
    await expect(
      createTurnFile({ path: file }).run(async () => undefined, AbortSignal.abort(reason)),
    ).rejects.toBe(reason);
  });

  it('end in a reason where the name of their file leads nowhere, and can be stopped before', async () => {
    await symlink(path.join(folder, 'nowhere'), file);
    const clock = skipping();
    await expect(
      createTurnFile({ path: file, clock }).run(async () => undefined, unlessItHangs()),
    ).rejects.toMatchObject({ code: 'STATION_KEYCHAIN_UNAVAILABLE' });
    expect(clock.monotonicMs()).toBeGreaterThan(120_000);
    const stop = new AbortController();
    const waiting = createTurnFile({ path: file }).run(async () => undefined, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 10);
    await expect(waiting).rejects.toThrow('enough');
  });

  it('that cannot be had say why', async () => {
    await writeFile(path.join(folder, 'file'), '');
    await expect(
      createTurnFile({ path: path.join(folder, 'file', 'x.turn') }).run(
        async () => undefined,
        unlessItHangs(),
      ),
    ).rejects.toMatchObject({ code: 'STATION_KEYCHAIN_UNAVAILABLE' });
  });
});
