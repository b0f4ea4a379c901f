import { expect, it } from 'vitest';
import { Session } from '../../engine/session.ts';
import { Secret } from '../../model/secret.ts';
import type { SessionView } from '../../model/station-state.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { CountingRandom } from '../../testing/fake-ports.ts';
import { RecordingLogger } from '../../testing/recording-logger.ts';
import { createGivenTokenAccess } from './given-token.ts';

const signal = new AbortController().signal;
const issuer = 'https://id.example';
const nowMs = Date.UTC(2026, 0, 5);
const inSeconds = (seconds: number) => nowMs / 1000 + seconds;
const jwt = (claims: object) =>
  new Secret(`e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.canary`);

function open(token: Secret) {
  const { signIn: client, tokenCache: cache } = createGivenTokenAccess(token, 'MUSTER_ADMIN_TOKEN', {
    issuer,
    nowMs,
  });
  const shown: SessionView[] = [];
  const opened: string[] = [];
  const session = new Session(
    { clock: new FakeClock(), random: new CountingRandom(), logger: new RecordingLogger(), client, cache },
    {
      onSession: (view) => shown.push(view),
      onKeychain: () => undefined,
      onSignedIn: () => undefined,
      openBrowser: async (url) => opened.push(url) > 0,
    },
  );
  return { session, shown, opened };
}

it.each([
  [{ iss: 'https://other.example', aud: ['1'] }, 'is of the issuer https://other.example; the profile says'],
  [
    { iss: issuer, aud: ['1'], exp: inSeconds(-3600) },
    'ended at 2026-01-04T23:00:00.000Z; this computer has',
  ],
  [{ iss: issuer, exp: inSeconds(3600) }, 'is made for no audience'],
  [{ iss: issuer, aud: [], exp: inSeconds(3600) }, 'is made for no audience'],
])('that says %j is refused before it is used, with the reason', (claims, says) => {
  const attempt = () => createGivenTokenAccess(jwt(claims), 'MUSTER_ADMIN_TOKEN', { issuer, nowMs });
  expect(attempt).toThrow(expect.objectContaining({ code: 'IDENTITY_TOKEN_UNUSABLE' }));
  expect(attempt).toThrow(`The token of MUSTER_ADMIN_TOKEN ${says}`);
});

it.each([
  jwt({ iss: issuer, aud: '1', exp: inSeconds(60) }),
  jwt({ iss: issuer, aud: ['1'], exp: inSeconds(-60) }),
  new Secret('opaque.not-json.token'),
])('is used as it is otherwise', async (token) => {
  const { session, shown } = open(token);
  await session.resume(signal);
  expect(await session.accessToken(signal)).toBe(token);
  expect(shown.at(-1)).toMatchObject({ state: 'signed-in', account: 'the token of MUSTER_ADMIN_TOKEN' });
});

it.each([
  [jwt({ aud: ['1'], exp: 1_800_000_000 }), 'ends at 2027-01-15T08:00:00.000Z'],
  [jwt({ aud: ['1'] }), 'does not say'],
  [new Secret('canary-opaque'), 'opaque'],
])(
  'refused, it names its variable to everybody who asks, and nobody is asked to sign in',
  async (token, says) => {
    const { session, shown, opened } = open(token);
    await session.resume(signal);
    for (const _device of ['first', 'second']) {
      await expect(session.accessToken(signal, token)).rejects.toMatchObject({
        code: 'IDENTITY_TOKEN_REFUSED',
        message: expect.stringContaining('MUSTER_ADMIN_TOKEN'),
        evidence: expect.stringContaining(says),
      });
    }
    await session.signIn();
    expect(opened).toEqual([]);
    expect(shown.map((view) => view.state)).not.toContain('awaiting-approval');
    expect(JSON.stringify(shown)).not.toContain('canary');
  },
);
