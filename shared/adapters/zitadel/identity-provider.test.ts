import { afterEach, describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../engine/ports.ts';
import type { EnrollmentError } from '../../errors/enrollment-error.ts';
import type { DeviceId } from '../../model/device-id.ts';
import { profileSchema } from '../../model/profile.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { createHttpClient } from '../http/http.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import {
  type ScriptedAnswer,
  type ScriptedServer,
  type SeenRequest,
  startScriptedServer,
} from '../http/testing/scripted-server.ts';
import { silentLogger } from '../log/logger.ts';
import { systemClock } from '../system/clock.ts';
import { createZitadelIdentityProvider } from './identity-provider.ts';

const id = 'press-07' as DeviceId;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const base = '/management/v1';
const ok = (body: unknown = {}): ScriptedAnswer => ({ status: 200, body });
const failed = (
  status: number,
  code: number,
  errorId: string,
  message = 'text in any language',
): ScriptedAnswer => ({
  status,
  body: { code, message: `${message} (${errorId})`, details: [{ '@type': 'x', id: errorId, message }] },
});
const jwtUser = {
  id: '77',
  userName: 'device-press-07',
  machine: { name: 'n', accessTokenType: 'ACCESS_TOKEN_TYPE_JWT' },
};
const grant = (roleKeys: readonly string[]) => ({
  result: [{ id: 'g', userId: '77', projectId: 'p1', roleKeys }],
});
const keyFile = (fields: object = {}) =>
  JSON.stringify({
    type: 'serviceaccount',
    keyId: 'k1',
    key: '-----BEGIN RSA PRIVATE KEY-----\nä\n',
    userId: '77',
    ...fields,
  });
const minted = (text = keyFile()) =>
  ok({ keyId: 'k1', keyDetails: Buffer.from(text, 'utf8').toString('base64') });

async function provider(answer: (path: string, request: SeenRequest, earlier: number) => ScriptedAnswer) {
  const server: ScriptedServer = await startScriptedServer((request, earlier) =>
    answer(`${request.method} ${request.path.replace(base, '')}`, request, earlier),
  );
  const http = createHttpClient({ clock: systemClock, timeLimitMs: HANGS_AFTER_MS });
  cleanUp.push(
    () => server.stop(),
    () => http.close(),
  );
  const tokens = { asked: [] as (string | undefined)[], endedWith: [] as EnrollmentError[] };
  const identity = createZitadelIdentityProvider({
    profile: profileSchema.parse({
      name: 'x',
      identity: { issuer: server.origin, client_id: '1', project_id: 'p1', org_id: 'o1' },
      agent: { binaries: {} },
    }),
    tokens: {
      accessToken: async (_signal, rejected, ends) => {
        tokens.asked.push(rejected?.reveal());
        if (ends !== undefined) tokens.endedWith.push(ends);
        // Somebody signs in again.
        if (ends !== undefined) return new Secret('token-3');
        return new Secret(rejected === undefined ? 'token-1' : 'token-2');
      },
    },
    http,
    clock: systemClock,
    // No jitter: repeats follow at once.
    random: { uuid: () => '', fraction: () => 0, hex: () => '' },
    logger: silentLogger,
  });
  return { identity, server, tokens };
}

describe('calls', () => {
  it('carry token and organisation, and read empty replies', async () => {
    const { identity, server } = await provider(() => ok({ details: { totalResult: '0' } }));
    expect(await identity.listKeys('77', unlessItHangs())).toEqual([]);
    expect(server.seen[0]).toMatchObject({
      path: `${base}/users/77/keys/_search`,
      headers: { authorization: 'Bearer token-1', 'x-zitadel-orgid': 'o1' },
    });
  });

  it('renew a refused token once', async () => {
    const once = await provider((_path, request) =>
      request.headers.authorization === 'Bearer token-1' ? failed(401, 16, 'AUTH-7fs1e') : ok(),
    );
    await once.identity.listKeys('77', unlessItHangs());
    expect(once.tokens.asked).toEqual([undefined, 'token-1']);
  });

  it('end a sign-in whose renewed token is refused as well, and go on with the next one', async () => {
    const { identity, server, tokens } = await provider((_path, request) =>
      request.headers.authorization === 'Bearer token-3' ? ok() : failed(401, 16, 'AUTH-7fs1e'),
    );
    await identity.listKeys('77', unlessItHangs());
    expect(tokens.asked).toEqual([undefined, 'token-1', 'token-2']);
    expect(tokens.endedWith).toMatchObject([
      { code: 'IDENTITY_SESSION_ENDED', evidence: expect.stringContaining('AUTH-7fs1e') },
    ]);
    expect(server.seen).toHaveLength(3);
  });

  it('fail when a new sign-in is refused too, and have nobody sign in again for it', async () => {
    const { identity, server, tokens } = await provider(() => failed(401, 16, 'AUTH-7fs1e'));
    const refusal = {
      code: 'IDENTITY_SIGN_IN_NOT_ACCEPTED',
      details: { action: 'list keys', issuer: server.origin },
      evidence: expect.stringContaining('answered 401'),
    };
    await expect(identity.listKeys('77', unlessItHangs())).rejects.toMatchObject(refusal);
    expect(server.seen).toHaveLength(3);
    await expect(identity.listKeys('78', unlessItHangs())).rejects.toMatchObject(refusal);
    expect(tokens.endedWith).toHaveLength(1);
    expect(server.seen).toHaveLength(5);
  });

  it.each([
    [failed(403, 7, 'AUTH-5mWD2'), 'IDENTITY_ROLE_MISSING', 'list keys'],
    [failed(404, 5, 'AUTHZ-cdgFk'), 'IDENTITY_ROLE_MISSING', 'list keys'],
    [failed(403, 7, 'AUTH-Bs7Ds'), 'IDENTITY_ORGANISATION_UNKNOWN', 'list keys'],
    [failed(401, 16, 'APP-Zxfako'), 'IDENTITY_AUDIENCE_INVALID', 'list keys'],
    [failed(400, 3, 'X-1'), 'IDENTITY_CALL_FAILED', 'list keys'],
    [
      { status: 404, body: 'unable to set instance: Instance not found' },
      'IDENTITY_CALL_FAILED',
      'list keys',
    ],
    [{ status: 302, headers: { location: '/' } }, 'IDENTITY_REPLY_UNREADABLE', 'list keys'],
    [{ status: 200, body: '<html>portal</html>' }, 'IDENTITY_REPLY_UNREADABLE', 'list keys'],
    [ok({ result: [{ id: 7 }] }), 'IDENTITY_REPLY_UNREADABLE', 'list keys'],
  ] as const)('%j is %s', async (answer, code, action) => {
    const { identity, server } = await provider(() => answer);
    await expect(identity.listKeys('77', unlessItHangs())).rejects.toMatchObject({
      code,
      details: { action },
    });
    expect(server.seen).toHaveLength(1);
  });

  it('are repeated after 5xx, lost replies and 429, and not without end', async () => {
    const answers: readonly ScriptedAnswer[] = [
      { status: 503 },
      'hang-up',
      { status: 429, headers: { 'retry-after': '0' } },
    ];
    const recovering = await provider((_path, _request, earlier) => answers[earlier] ?? ok());
    await recovering.identity.listKeys('77', unlessItHangs());
    expect(recovering.server.seen).toHaveLength(4);
    const broken = await provider(() => ({ status: 500, body: { code: 13, message: 'm' } }));
    await expect(broken.identity.listKeys('77', unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_CALL_FAILED',
      details: { status: '500' },
    });
    expect(broken.server.seen).toHaveLength(5);
  });

  it('show nothing of the token that went out, however the reply quotes it', async () => {
    const { identity } = await provider(() => failed(400, 3, 'X-1', 'bad {"t":"token-1"} or token%2D1'));
    const error = await identity.listKeys('77', unlessItHangs()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ evidence: expect.stringContaining('X-1') });
    expect((error as EnrollmentError).evidence).not.toMatch(/token(-|%2D)1/);
    const odd = await provider(() => ok({ result: 'token-1' }));
    const unreadable = await odd.identity.listKeys('77', unlessItHangs()).catch((thrown: unknown) => thrown);
    expect((unreadable as EnrollmentError).evidence).toMatch(/^POST .* answered 200/);
    expect((unreadable as EnrollmentError).evidence).not.toContain('token-1');
  });

  it('understand both forms of Retry-After', () => {
    expect(retryAfterMs('7', 0)).toBe(7000);
    expect(retryAfterMs(new Date(10_000).toUTCString(), 4000)).toBe(6000);
    expect(retryAfterMs('soon', 0)).toBeUndefined();
  });
});

describe('project', () => {
  it('is found on a later page', async () => {
    const page = (offset: string) =>
      offset === '0'
        ? Array.from({ length: 100 }, (_, n) => ({ id: `x${n}`, name: 'n' }))
        : [{ id: 'p1', name: 'fleet' }];
    const { identity } = await provider((_path, request) =>
      ok({ result: page((JSON.parse(request.body) as { query: { offset: string } }).query.offset) }),
    );
    await expect(identity.requireProject(unlessItHangs())).resolves.toBeUndefined();
  });

  it('that is not visible is reported with those that are', async () => {
    const { identity } = await provider(() => ok({ result: [{ id: '9', name: 'other\u202e' }] }));
    await expect(identity.requireProject(unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_PROJECT_NOT_VISIBLE',
      details: { projectId: 'p1', visible: 'other\\u{202e} (9)' },
    });
  });
});

describe('another sign-in', () => {
  it('sees its own projects, and its own machine users', async () => {
    const projects = ok({ result: [{ id: 'p1', name: 'fleet' }] });
    let isOther = false;
    const { identity, server } = await provider((path) => {
      if (path === 'POST /projects/_search') return isOther ? ok() : projects;
      if (path === 'POST /users/grants/_search') return ok(grant(['device']));
      return ok({ result: [jwtUser] });
    });
    await identity.requireProject(unlessItHangs());
    await identity.ensureAccount(id, 'unknown', unlessItHangs());
    isOther = true;
    await identity.requireProject(unlessItHangs());
    const before = server.seen.length;
    await identity.ensureAccount(id, 'unknown', unlessItHangs());
    expect(server.seen.length - before, 'the user is known').toBe(1);
    identity.forgetSignIn();
    await expect(identity.requireProject(unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_PROJECT_NOT_VISIBLE',
    });
    const afterwards = server.seen.length;
    await identity.ensureAccount(id, 'unknown', unlessItHangs());
    expect(server.seen.length - afterwards, 'it is searched again').toBe(2);
  });
});

describe('machine user', () => {
  it('is made with JWT tokens when there is none', async () => {
    const { identity, server } = await provider((path) =>
      path === 'POST /users/machine' ? ok({ userId: '77' }) : ok({ userGrantId: 'g' }),
    );
    const made = { userId: '77', created: true, granted: true };
    expect(await identity.ensureAccount(id, 'unknown', unlessItHangs())).toEqual(made);
    expect(server.seen).toHaveLength(3);
    expect(JSON.parse(server.seen[1]?.body ?? '')).toMatchObject({
      userName: 'device-press-07',
      accessTokenType: 'ACCESS_TOKEN_TYPE_JWT',
    });
  });

  it.each([
    ['409', failed(409, 6, 'V3-DKcYh')],
    ['AlreadyExisting', failed(400, 9, 'COMMAND-k2una', 'Errors.User.AlreadyExisting')],
  ])('of a faster station is found after %s, though the search lags', async (_name, conflict) => {
    const { identity } = await provider((path, _request, earlier) => {
      if (path === 'POST /users/machine') return conflict;
      if (path === 'POST /users/grants/_search') return ok(grant(['device']));
      return ok(earlier < 3 ? {} : { result: [jwtUser] });
    });
    const found = { userId: '77', created: false, granted: false };
    expect(await identity.ensureAccount(id, 'unknown', unlessItHangs())).toEqual(found);
  });

  it('with opaque tokens is changed to JWT', async () => {
    const { identity, server } = await provider((path) => {
      if (path === 'POST /users/_search') return ok({ result: [{ ...jwtUser, machine: { name: 'n' } }] });
      return path.startsWith('PUT') ? failed(400, 9, 'COMMAND-2n8vs') : ok(grant(['device']));
    });
    expect(await identity.ensureAccount(id, 'unknown', unlessItHangs())).toMatchObject({ userId: '77' });
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'PUT', 'POST']);
  });

  it('that is expected to be new is made without a search, and found where it is there all the same', async () => {
    const fresh = await provider((path) =>
      path === 'POST /users/machine' ? ok({ userId: '77' }) : ok({ userGrantId: 'g' }),
    );
    const made = { userId: '77', created: true, granted: true };
    expect(await fresh.identity.ensureAccount(id, 'new', unlessItHangs())).toEqual(made);
    expect(fresh.server.seen.map(({ path }) => path)).toEqual([
      `${base}/users/machine`,
      `${base}/users/77/grants`,
    ]);
    const there = await provider((path) => {
      if (path === 'POST /users/machine') return failed(409, 6, 'V3-DKcYh');
      return ok(path === 'POST /users/_search' ? { result: [jwtUser] } : grant(['device']));
    });
    const found = { userId: '77', created: false, granted: false };
    expect(await there.identity.ensureAccount(id, 'new', unlessItHangs())).toEqual(found);
  });

  it('that was seen before costs one call, until it is gone', async () => {
    let gone = false;
    const { identity, server } = await provider((path) => {
      if (path === 'POST /users/machine') return ok({ userId: '78' });
      if (path === 'POST /users/_search') return ok(gone ? {} : { result: [jwtUser] });
      if (path === 'POST /users/grants/_search') return ok(gone ? {} : grant(['device']));
      return ok({ userGrantId: 'g' });
    });
    await identity.ensureAccount(id, 'unknown', unlessItHangs());
    const before = server.seen.length;
    expect(await identity.ensureAccount(id, 'unknown', unlessItHangs())).toMatchObject({ userId: '77' });
    expect(server.seen.slice(before).map(({ path }) => path)).toEqual([`${base}/users/grants/_search`]);
    gone = true;
    const made = { userId: '78', created: true, granted: true };
    expect(await identity.ensureAccount(id, 'unknown', unlessItHangs())).toEqual(made);
  });

  it('whose name a person has is refused', async () => {
    const { identity } = await provider(() =>
      ok({ result: [{ id: '5', userName: 'device-press-07', human: {} }] }),
    );
    await expect(identity.ensureAccount(id, 'unknown', unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_CALL_FAILED',
    });
  });
});

describe('grant', () => {
  /** What becomes of the grant of a machine user that is there. */
  const granted = (rest: (path: string) => ScriptedAnswer) =>
    provider((path) => (path === 'POST /users/_search' ? ok({ result: [jwtUser] }) : rest(path)));

  it('is made, left alone, or given the missing role', async () => {
    const outcome = async (identity: IdentityProvider) =>
      (await identity.ensureAccount(id, 'unknown', unlessItHangs())).granted;
    const made = await granted((path) => (path.endsWith('/grants') ? ok({ userGrantId: 'g' }) : ok()));
    expect(await outcome(made.identity)).toBe(true);
    const there = await granted(() => ok(grant(['device'])));
    expect(await outcome(there.identity)).toBe(false);
    const other = await granted((path) => (path.startsWith('PUT') ? ok() : ok(grant(['reader']))));
    expect(await outcome(other.identity)).toBe(true);
    expect(JSON.parse(other.server.seen[2]?.body ?? '')).toEqual({ roleKeys: ['reader', 'device'] });
    const same = await granted((path) =>
      path.startsWith('PUT') ? failed(400, 9, 'COMMAND-Rs8fy') : ok(grant(['reader'])),
    );
    expect(await outcome(same.identity)).toBe(false);
  });
});

/** 2030-01-01, with milliseconds that are the key's own. */
const expiresAt = Date.UTC(2030, 0, 1, 0, 0, 0, 123);

describe('keys', () => {
  it('come byte for byte, with size and hash', async () => {
    const { identity } = await provider(() => minted());
    const key = await identity.mintKey('77', expiresAt, unlessItHangs());
    expect(key.file.reveal()).toBe(keyFile());
    expect(key).toMatchObject({ keyId: 'k1', userId: '77', sizeBytes: Buffer.byteLength(keyFile()) });
  });

  it.each([
    ['of another user', keyFile({ userId: '78' })],
    ['of another id', keyFile({ keyId: 'k2' })],
    ['of an application', keyFile({ type: 'application' })],
    ['without a private key', keyFile({ key: 'canary' })],
    ['that is no JSON', 'canary'],
  ])('%s are refused, and the error shows nothing of them', async (_name, text) => {
    const { identity } = await provider(() => minted(text));
    const error = await identity.mintKey('77', expiresAt, unlessItHangs()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'IDENTITY_REPLY_UNREADABLE' });
    const all = `${JSON.stringify(error)} ${String((error as Error).cause)} ${(error as { evidence: string }).evidence}`;
    expect(all).not.toMatch(/canary|PRIVATE KEY/);
  });

  it('are never minted twice after a lost or broken reply', async () => {
    for (const answer of ['hang-up', { status: 500 }, { status: 503 }] as const) {
      const { identity, server } = await provider(() => answer);
      await expect(identity.mintKey('77', expiresAt, unlessItHangs())).rejects.toMatchObject({
        code: expect.stringMatching(/^IDENTITY_/),
      });
      expect(server.seen).toHaveLength(1);
    }
    const throttled = await provider((_path, _request, earlier) =>
      earlier === 0 ? { status: 429 } : minted(),
    );
    expect((await throttled.identity.mintKey('77', expiresAt, unlessItHangs())).keyId).toBe('k1');
  });

  it('that are gone already count as deleted', async () => {
    const { identity } = await provider(() => failed(404, 5, 'COMMAND-4m77G'));
    await expect(identity.deleteKey('77', 'k1', unlessItHangs())).resolves.toBeUndefined();
  });

  it.each([
    ['a proxy', { status: 404, body: '<html>no such page</html>' }],
    ['a gateway', { status: 404, body: { code: 5, message: 'Not Found', details: [] } }],
    [
      'another instance',
      { status: 404, body: { code: 5, message: 'unable to set instance: Instance not found' } },
    ],
  ])('do not count as deleted because %s has not got them', async (_who, answer) => {
    const { identity } = await provider(() => answer);
    await expect(identity.deleteKey('77', 'k1', unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_CALL_FAILED',
    });
  });
});

describe('looking for a machine user', () => {
  const grant = (roleKeys: string[]) => ({ id: 'g1', userId: '77', projectId: 'p1', roleKeys });
  const search = (user: unknown, grants: unknown[]) =>
    provider((path) =>
      path.startsWith('POST /users/_search')
        ? ok({ result: user === undefined ? [] : [user] })
        : ok({ result: grants }),
    );

  it.each([
    [undefined, [], undefined],
    [jwtUser, [], { userId: '77', hasJwtTokens: true, hasGrant: false }],
    [jwtUser, [grant(['other'])], { userId: '77', hasJwtTokens: true, hasGrant: false }],
    [jwtUser, [grant(['other', 'device'])], { userId: '77', hasJwtTokens: true, hasGrant: true }],
    [
      { ...jwtUser, machine: { name: 'n' } },
      [grant(['device'])],
      { userId: '77', hasJwtTokens: false, hasGrant: true },
    ],
  ])('%j with grants %j gives %j, and only searches', async (user, grants, expected) => {
    const { identity, server } = await search(user, grants);
    expect(await identity.findMachineUser(id, unlessItHangs())).toEqual(expected);
    expect(server.seen.every(({ path }) => path.endsWith('/_search'))).toBe(true);
  });

  it('refuses the name of a person', async () => {
    const { identity } = await search({ id: '77', userName: 'device-press-07' }, []);
    await expect(identity.findMachineUser(id, unlessItHangs())).rejects.toMatchObject({
      code: 'IDENTITY_CALL_FAILED',
    });
  });
});
