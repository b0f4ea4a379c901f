import { afterEach, describe, expect, it } from 'vitest';
import { type FaultPlan, type FaultPlanOptions, type FaultRates, faultPlan } from './fault-plan.ts';
import type { FaultRequest } from './faults.ts';
import type { LabIdentityProvider } from './identity-provider.ts';
import { type Api, apiOf, signIn, startTestLab, unlessItHangs } from './lab-testkit.ts';

const v1 = '/management/v1';
const machines = `${v1}/users/machine`;

function request(route: string, earlierOnRoute: number): FaultRequest {
  const [method = '', path = ''] = route.split(' ');
  const rest = { query: new URLSearchParams(), headers: {}, body: '', earlier: earlierOnRoute };
  return { method, path, route, earlierOnRoute, ...rest };
}

describe('a plan of random faults', () => {
  const rates: FaultRates = { tooMany: 0.2, internal: 0.2, lostReply: 0.2 };
  const routes = [`POST ${machines}`, `POST ${v1}/users/{id}/keys`, `POST ${v1}/users/{id}/grants`];

  async function run(seed: number, order: readonly (readonly [string, number])[]): Promise<string[]> {
    const plan = faultPlan(seed, { rates, atMostInARow: 100 });
    for (const [route, occurrence] of order) await plan.before(request(route, occurrence));
    return plan.injected.map(({ kind, route, occurrence }) => `${route} ${occurrence} ${kind}`).sort();
  }

  it('does the same to the n-th call of a route however the calls interleave', async () => {
    const calls = routes.flatMap((route) => Array.from({ length: 40 }, (_, n) => [route, n] as const));
    const byTurns = [...calls].sort((left, right) => left[1] - right[1]);
    const first = await run(7, calls);
    expect(first.length).toBeGreaterThan(30);
    expect(await run(7, byTurns)).toEqual(first);
    expect(await run(8, calls)).not.toEqual(first);
  });

  it('lets a route through after so many faults in a row, and stops when told to', async () => {
    const plan = faultPlan(1, { rates: { internal: 1 }, atMostInARow: 2 });
    const hit = async (n: number) => (await plan.before(request(routes[0] ?? '', n))) !== undefined;
    expect([await hit(0), await hit(1), await hit(2), await hit(3)]).toEqual([true, true, false, true]);
    plan.calm();
    expect(await hit(4)).toBe(false);
    expect(plan.counts).toEqual({ internal: 3 });
  });
});

describe('each kind of fault on the provider', () => {
  let lab: LabIdentityProvider;
  afterEach(() => lab.stop());

  async function start(
    rates: FaultRates,
    more: Partial<FaultPlanOptions> = {},
  ): Promise<{ api: Api; plan: FaultPlan }> {
    const plan = faultPlan(3, { rates, atMostInARow: 1, ...more });
    lab = await startTestLab({ faults: plan });
    return { api: apiOf(lab, lab.adminToken), plan };
  }
  const user = { userName: 'device-f', name: 'f' };
  const created = () => lab.inspect().mutations['user.created'] ?? 0;

  it('a rival is a moment earlier: 409, and one user', async () => {
    const { api } = await start({ rival: 1 });
    expect(await api('POST', machines, user)).toMatchObject({ status: 409, body: { code: 6 } });
    expect(created()).toBe(1);
  });

  it('a rival makes no second key, since two keys do not conflict', async () => {
    const { api } = await start({ rival: 1 }, { atMostInARow: 9 });
    await api('POST', machines, user);
    const userId = lab.inspect().users.find((one) => one.userName === user.userName)?.id;
    expect((await api('POST', `${v1}/users/${userId}/keys`, { type: 'KEY_TYPE_JSON' })).status).toBe(200);
    expect(lab.inspect().keys).toHaveLength(1);
  });

  it('a limit tells when to come back, or does not', async () => {
    await start({ tooMany: 1 });
    const ask = () =>
      fetch(`${lab.issuer}${machines}`, {
        method: 'POST',
        body: JSON.stringify(user),
        signal: unlessItHangs(),
      });
    const told = await ask();
    expect([told.status, told.headers.get('retry-after')]).toEqual([429, '1']);
    await lab.stop();
    await start({ tooManyUntold: 1 });
    const untold = await ask();
    expect([untold.status, untold.headers.get('retry-after')]).toEqual([429, null]);
    expect(created()).toBe(0);
  });

  it('a proxy gives up while the server goes on: 504, and the user is there', async () => {
    const { api } = await start({ gatewayTimeout: 1 });
    await expect(api('POST', machines, user)).rejects.toThrow(SyntaxError);
    expect(created()).toBe(1);
    expect(lab.inspect().requests.at(-1)?.status).toBe(504);
  });

  it('a lost reply leaves its effect, a cut connection none', async () => {
    const lost = await start({ lostReply: 1 });
    await expect(lost.api('POST', machines, user)).rejects.toThrow('fetch failed');
    expect(created()).toBe(1);
    await lab.stop();
    const cut = await start({ cut: 1 });
    await expect(cut.api('POST', machines, user)).rejects.toThrow('fetch failed');
    expect(created()).toBe(0);
  });

  it('a request that hangs ends with the limit of its caller, without effect', async () => {
    await start({ hang: 1 });
    const call = fetch(`${lab.issuer}${machines}`, { method: 'POST', signal: AbortSignal.timeout(80) });
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(created()).toBe(0);
  });

  it('a token ends in the middle: 401 from then on', async () => {
    const { plan } = await start({ endToken: 1 });
    const api = apiOf(lab, (await signIn(lab)).access_token);
    expect(await api('POST', machines, user)).toMatchObject({ status: 401, body: { code: 16 } });
    plan.calm();
    expect((await api('POST', machines, user)).status).toBe(401);
    expect(created()).toBe(0);
  });

  it('leaves the sign-in alone unless it is asked for', async () => {
    const { plan } = await start({ internal: 1 });
    expect((await signIn(lab)).access_token).toBeTruthy();
    expect(plan.injected).toEqual([]);
  });

  it('is counted by route, ids aside', async () => {
    const { api, plan } = await start({});
    const { userId } = (await api('POST', machines, user)).body;
    await api('GET', `${v1}/users/${userId}`);
    await api('GET', `${v1}/users/${lab.orgId}`);
    expect(lab.inspect().calls).toEqual({ [`POST ${machines}`]: 1, [`GET ${v1}/users/{id}`]: 2 });
    expect(plan.injected).toEqual([]);
  });
});
