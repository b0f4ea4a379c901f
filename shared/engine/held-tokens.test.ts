import { describe, expect, it } from 'vitest';
import { Secret } from '../model/secret.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { HeldTokens } from './held-tokens.ts';
import type { Clock, TokenSet } from './ports.ts';

const LIFE_MS = 600_000;
const HOUR_MS = 3_600_000;

/** A clock whose wall can be set while time goes on. */
function jumping() {
  const time = new FakeClock();
  let setBy = 0;
  const clock: Clock = {
    nowMs: () => time.nowMs() + setBy,
    monotonicMs: () => time.monotonicMs(),
    sleep: (ms, signal) => time.sleep(ms, signal),
    after: (ms, callback) => time.after(ms, callback),
  };
  return {
    clock,
    pass: (ms: number) => time.advance(ms),
    setWall: (byMs: number) => {
      setBy += byMs;
    },
  };
}

const tokensOf = (clock: Clock, refreshToken?: string): TokenSet => ({
  accessToken: new Secret('access'),
  refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  expiresAt: clock.nowMs() + LIFE_MS,
  receivedAt: clock.nowMs(),
  subject: '1',
  account: 'a',
  organisation: undefined,
});

describe('a wall clock that jumps', () => {
  it.each([-HOUR_MS, -60 * 24 * HOUR_MS])('back by %i ms keeps no dead token', async (by) => {
    const { clock, pass, setWall } = jumping();
    const held = new HeldTokens(tokensOf(clock), clock);
    setWall(by);
    await pass(LIFE_MS - 30_000);
    expect([held.isAlive, held.isDue]).toEqual([true, true]);
    await pass(30_000);
    expect(held.isAlive).toBe(false);
  });

  it('forward ends no live token; one that renews itself is renewed early', () => {
    const { clock, setWall } = jumping();
    const held = new HeldTokens(tokensOf(clock), clock);
    const renewable = new HeldTokens(tokensOf(clock, 'refresh'), clock);
    setWall(24 * HOUR_MS);
    expect([held.isAlive, held.isDue]).toEqual([true, false]);
    expect([renewable.isAlive, renewable.isDue]).toEqual([true, true]);
  });

  it('back between two runs lets nobody believe in a remembered token', () => {
    const { clock, setWall } = jumping();
    const remembered = tokensOf(clock);
    setWall(-HOUR_MS);
    expect(new HeldTokens(remembered, clock).isAlive).toBe(false);
    setWall(HOUR_MS - 30_000);
    expect(new HeldTokens(remembered, clock).isAlive).toBe(true);
  });
});
