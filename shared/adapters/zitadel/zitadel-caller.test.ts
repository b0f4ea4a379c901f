import { afterEach, expect, it } from 'vitest';
import { Secret } from '../../model/secret.ts';
import { buildProfile } from '../../testing/builders.ts';
import { unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient } from '../http/http.ts';
import { startScriptedServer } from '../http/testing/scripted-server.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { endpoints } from './endpoints.ts';
import { createZitadelCaller } from './zitadel-caller.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

it('acts in the organisation of whoever is signed in, where the profile names none', async () => {
  let own = 'org-of-the-first';
  const server = await startScriptedServer(({ path }) => ({
    status: 200,
    body: path.endsWith('/orgs/me') ? { org: { id: own, name: 'x' } } : { projects: [] },
  }));
  const http = createHttpClient({ clock: systemClock });
  cleanUp.push(
    () => server.stop(),
    () => http.close(),
  );
  const { identity } = buildProfile({
    identity: { issuer: server.origin, client_id: '1', project_id: 'p1' },
  });
  const caller = createZitadelCaller({
    ...{ identity, http, clock: systemClock, logger: silentLogger, api: 'v2' },
    tokens: { accessToken: async () => new Secret('token') },
    random: { uuid: () => '', fraction: () => 0, hex: () => '' },
  });
  const askedIn = async () => {
    await caller.call(endpoints.searchProjects, { offset: 0, limit: 10 }, { signal: unlessItHangs() });
    return server.seen.at(-1)?.body ?? '';
  };
  expect(await askedIn()).toContain('org-of-the-first');
  own = 'org-of-the-second';
  expect(await askedIn(), 'asked for once in a sign-in').toContain('org-of-the-first');
  caller.forgetSignIn();
  expect(await askedIn()).toContain('org-of-the-second');
});
