import { beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../model/secret.ts';
import { FakeClock, settled } from '../../testing/fake-clock.ts';
import type { HttpReply } from '../http/http.ts';
import { silentLogger } from '../log/logger.ts';
import { endpoints } from './endpoints.ts';
import { createManagementCaller } from './management-caller.ts';

const signal = new AbortController().signal;
const DEVICES = 20;
const MINUTE_MS = 60_000;
let clock: FakeClock;
/** When each request was sent, by the clock. */
let sentAtMs: number[];
let pauses: number[];
let answer: (earlier: number) => HttpReply;

const ok: HttpReply = { status: 200, headers: {}, text: '{}' };
const tooMany = (retryAfter: string): HttpReply => ({
  status: 429,
  headers: { 'retry-after': retryAfter },
  text: '{"code":8,"message":"quota"}',
});

beforeEach(() => {
  clock = new FakeClock();
  sentAtMs = [];
  pauses = [];
});

function caller() {
  const { call } = createManagementCaller({
    identity: { issuer: 'https://id.example', org_id: '1' },
    tokens: { accessToken: async () => new Secret('token') },
    http: {
      request: async () => {
        sentAtMs.push(clock.monotonicMs());
        return answer(sentAtMs.length - 1);
      },
      close: () => undefined,
    },
    ...{ clock, logger: silentLogger, random: { uuid: () => '', fraction: () => 0, hex: () => '' } },
    onPause: (ms) => pauses.push(ms),
  });
  return (own = signal) => call(endpoints.searchProjects, { offset: 0, limit: 1 }, { signal: own });
}

describe('a pause that the provider asks for', () => {
  it('is kept by every device, told once, and costs none of them', async () => {
    const call = caller();
    answer = (earlier) => (earlier === 0 ? tooMany('90') : ok);
    const first = call();
    await settled();
    const batch = Array.from({ length: DEVICES }, () => call());
    await clock.advance(89_999);
    expect([sentAtMs, pauses]).toEqual([[0], [90_000]]);
    await clock.run(Promise.all([first, ...batch]));
    expect(sentAtMs.slice(1)).toEqual(Array(DEVICES + 1).fill(90_000));
  });

  it('is kept by the others also where the call that met it goes on no longer', async () => {
    const call = caller();
    answer = (earlier) => (earlier < 5 ? tooMany(earlier < 4 ? '0' : '90') : ok);
    await expect(clock.run(call())).rejects.toMatchObject({ code: 'IDENTITY_CALL_FAILED' });
    const endedAtMs = clock.monotonicMs();
    await clock.run(call());
    expect(sentAtMs.at(-1)).toBe(endedAtMs + 90_000);
  });

  it('that grows while it is kept is kept to its end, and told again', async () => {
    const call = caller();
    answer = (earlier) => (earlier < 2 ? tooMany(earlier === 0 ? '60' : '120') : ok);
    await clock.run(Promise.all([call(), call()]));
    expect(pauses).toEqual([60_000, 120_000]);
    expect(sentAtMs).toEqual([0, 0, 120_000, 120_000]);
  });

  it('of a few seconds is nobody told', async () => {
    const call = caller();
    answer = (earlier) => (earlier === 0 ? tooMany('5') : ok);
    await clock.run(call());
    expect([sentAtMs, pauses]).toEqual([[0, 5_000], []]);
  });

  it('that is longer than anybody waits fails with its length, and nothing is sent until then', async () => {
    const call = caller();
    answer = (earlier) => (earlier === 0 ? tooMany('1800') : ok);
    const paused = (wait: string) => ({
      code: 'IDENTITY_PAUSED',
      details: { wait, issuer: 'https://id.example' },
      evidence: expect.stringContaining('answered 429'),
    });
    await expect(clock.run(call())).rejects.toMatchObject(paused('30 minutes'));
    for (const one of await Promise.allSettled(Array.from({ length: DEVICES }, () => call())))
      expect(one).toMatchObject({ reason: paused('30 minutes') });
    await clock.advance(15 * MINUTE_MS);
    await expect(clock.run(call())).rejects.toMatchObject(paused('15 minutes'));
    expect(sentAtMs).toEqual([0]);
    await clock.advance(6 * MINUTE_MS);
    await clock.run(call());
    expect(sentAtMs).toEqual([0, 30 * MINUTE_MS]);
  });

  it('without sense ends after an hour', async () => {
    const call = caller();
    answer = (earlier) => (earlier === 0 ? tooMany('999999') : ok);
    await expect(clock.run(call())).rejects.toMatchObject({ code: 'IDENTITY_PAUSED' });
    await clock.advance(60 * MINUTE_MS);
    await call();
    expect(pauses).toEqual([60 * MINUTE_MS]);
  });

  it('again and again is not kept for ever by one call', async () => {
    const call = caller();
    answer = () => tooMany('240');
    await expect(clock.run(call())).rejects.toMatchObject({ code: 'IDENTITY_PAUSED' });
    expect(sentAtMs).toEqual([0, 240_000, 480_000]);
  });

  it('ends at once for who gives up', async () => {
    const call = caller();
    answer = () => tooMany('90');
    const stop = new AbortController();
    const calling = call(stop.signal);
    await settled();
    const reason = new Error('stopped');
    stop.abort(reason);
    await expect(calling).rejects.toBe(reason);
    expect(clock.pendingTimers).toBe(0);
  });
});
