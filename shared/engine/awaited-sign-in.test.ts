import { beforeEach, describe, expect, it } from 'vitest';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import { settled } from '../testing/fake-clock.ts';
import { createFakePorts, type FakeWorld } from '../testing/fake-ports.ts';
import { profileOf, runStation } from '../testing/run-station.ts';

const MINUTE_MS = 60_000;
const ids = ['board-1', 'board-2', 'board-3'];
let world: FakeWorld;

beforeEach(() => {
  world = createFakePorts();
  for (const id of ids) world.addDevice(id, `${id}.local`);
});

/** A batch whose sign-in ends before any device has its key. */
async function startAndEnd(isAttended: boolean) {
  world.signIn.tokenLifeMs = 1;
  const watched = runStation(world, profileOf(world), isAttended);
  await watched.station.start();
  await watched.signIn();
  await world.clock.advance(2);
  world.signIn.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
  await watched.station.handle('batch.start', { rowIds: watched.rowIds(...ids) });
  await world.clock.advance(MINUTE_MS);
  const states = () => Object.values(watched.shown().rows).map((row) => row.state);
  const questions = () => watched.shown().notices.filter((notice) => notice.text.includes('Sign in again'));
  return { ...watched, states, questions };
}

describe('a sign-in that ends in the middle of a batch', () => {
  it('fails no device: all wait for one new sign-in, told once, and are enrolled with it', async () => {
    const { station, signIn, shown, states, questions } = await startAndEnd(true);
    await world.clock.advance(28 * MINUTE_MS);
    expect(states()).toEqual(['awaiting-sign-in', 'awaiting-sign-in', 'awaiting-sign-in']);
    expect(shown().session).toMatchObject({
      state: 'signed-out',
      error: { code: 'IDENTITY_SESSION_ENDED' },
    });
    expect(questions()).toHaveLength(1);
    world.signIn.refreshFailsWith = undefined;
    world.signIn.tokenLifeMs = 600_000;
    await signIn();
    await world.clock.run(station.whenBatchIdle());
    expect(states()).toEqual(['enrolled', 'enrolled', 'enrolled']);
    expect(questions()).toHaveLength(1);
  });

  it('does not hold up a device that has its key', async () => {
    const { station, signIn, rowIds, shown } = runStation(
      world,
      profileOf(world, { batch: { concurrency: 1 } }),
      true,
    );
    await station.start();
    await signIn();
    const { tokens: beneath } = world.identity;
    let last: Secret | undefined;
    let isEnded = false;
    // The provider refuses every token from the first key on.
    world.identity.tokens = {
      accessToken: async (signal) => {
        last = await beneath?.accessToken(signal, isEnded ? last : undefined);
        return last as Secret;
      },
    };
    const mint = world.identity.mintKey.bind(world.identity);
    world.identity.mintKey = async (...wishes) => {
      const minted = await mint(...wishes);
      isEnded = true;
      world.signIn.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
      return minted;
    };
    await station.handle('batch.start', { rowIds: rowIds('board-1', 'board-2') });
    await world.clock.advance(20 * MINUTE_MS);
    expect(Object.values(shown().rows).map((row) => row.state)).toEqual(['enrolled', 'awaiting-sign-in']);
    world.identity.mintKey = mint;
    world.signIn.refreshFailsWith = undefined;
    await signIn();
    await world.clock.run(station.whenBatchIdle());
    expect(Object.values(shown().rows).map((row) => row.state)).toEqual(['enrolled', 'enrolled']);
  });

  it('fails them after 30 minutes, with what ended it', async () => {
    const { station, states, shown } = await startAndEnd(true);
    await world.clock.run(station.whenBatchIdle());
    expect(states()).toEqual(['failed', 'failed', 'failed']);
    for (const row of Object.values(shown().rows))
      expect(row.error?.code).toMatch(/^IDENTITY_(SESSION_ENDED|NOT_SIGNED_IN)$/);
  });

  it('fails those that follow at once after that, and lets them wait again after a sign-in', async () => {
    world.signIn.tokenLifeMs = 1;
    const watched = runStation(world, profileOf(world, { batch: { concurrency: 1 } }), true);
    const { station, signIn, shown, rowIds } = watched;
    await station.start();
    await signIn();
    await world.clock.advance(2);
    world.signIn.refreshFailsWith = new EnrollmentError('IDENTITY_SESSION_ENDED');
    await station.handle('batch.start', { rowIds: rowIds(...ids) });
    await world.clock.advance(31 * MINUTE_MS);
    expect(Object.values(shown().rows).map((row) => row.state)).toEqual(['failed', 'failed', 'failed']);
    await signIn();
    await world.clock.advance(2);
    await station.handle('batch.retry', { deviceIds: ids });
    await world.clock.advance(1);
    const states = Object.values(shown().rows).map((row) => row.state);
    expect(states).toEqual(['awaiting-sign-in', 'waiting', 'waiting']);
    await station.shutDown();
  });

  it('says of every row that it waits, keeps its steps, and says when it goes on', async () => {
    const { station, signIn, shown, deltas, rowIds } = await startAndEnd(true);
    expect(rowIds(...ids)).toHaveLength(3);
    expect(shown().bench.map((row) => row.lastState)).toEqual(Array(3).fill('awaiting-sign-in'));
    const steps = Object.values(shown().rows).map((row) => row.steps[0]?.state);
    expect(steps).toEqual(['running', 'running', 'running']);
    const lines = await station.handle('device.followLog', { deviceId: 'board-1' });
    expect(lines.map((line) => line.text)).toContain('the sign-in has ended, waits for the next one');
    world.signIn.refreshFailsWith = undefined;
    world.signIn.tokenLifeMs = 600_000;
    await signIn();
    await world.clock.run(station.whenBatchIdle());
    const told = deltas.flatMap((delta) => delta.rows?.['board-1']?.state ?? []);
    const changes = told.filter((state, place) => state !== told[place - 1]);
    expect(changes).toEqual(['waiting', 'running', 'awaiting-sign-in', 'running', 'enrolled']);
  });

  it('fails at once those that wait when nobody will sign in', async () => {
    const { station, states } = await startAndEnd(true);
    station.giveUpSignIn();
    await station.whenBatchIdle();
    expect(states()).toEqual(['failed', 'failed', 'failed']);
  });

  it('ends with the batch when that is stopped', async () => {
    const { station, states } = await startAndEnd(true);
    await station.handle('batch.stop', null);
    await settled();
    await station.whenBatchIdle();
    expect(states()).toEqual(['stopped', 'stopped', 'stopped']);
  });

  it('fails them at once where nobody is there to sign in', async () => {
    const { states, questions } = await startAndEnd(false);
    expect(states()).toEqual(['failed', 'failed', 'failed']);
    expect(questions()).toEqual([]);
  });
});
