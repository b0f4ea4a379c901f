import { expect, it } from 'vitest';
import { Session } from '../../engine/session.ts';
import { Secret } from '../../model/secret.ts';
import type { SessionView } from '../../model/station-state.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { RecordingLogger } from '../../testing/recording-logger.ts';
import { createGivenTokenAccess } from './given-token.ts';

const signal = new AbortController().signal;
const jwt = (claims: object) =>
  new Secret(`e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.canary`);

function open(token: Secret) {
  const { signIn: client, tokenCache: cache } = createGivenTokenAccess(token, 'MUSTER_ADMIN_TOKEN');
  const shown: SessionView[] = [];
  const opened: string[] = [];
  const session = new Session(
    { clock: new FakeClock(), logger: new RecordingLogger(), client, cache },
    {
      onSession: (view) => shown.push(view),
      onKeychain: () => undefined,
      onSignedIn: () => undefined,
      openBrowser: async (url) => opened.push(url) > 0,
    },
  );
  return { session, shown, opened };
}

it('is used as it is, also when it says that it has ended', async () => {
  const token = jwt({ exp: 1 });
  const { session, shown } = open(token);
  await session.resume(signal);
  expect(await session.accessToken(signal)).toBe(token);
  expect(shown.at(-1)).toMatchObject({ state: 'signed-in', account: 'the token of MUSTER_ADMIN_TOKEN' });
});

it.each([
  [jwt({ exp: 1_700_000_000 }), 'ends at 2023-11-14T22:13:20.000Z'],
  [jwt({}), 'does not say'],
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
