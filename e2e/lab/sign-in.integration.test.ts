import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { unlessItHangs } from '#shared/testing/patience.ts';
import { approveAsLabOperator } from './identity/operator-walk.ts';
import { type LabFixture, startLabFixture } from './testing/lab-fixture.ts';

/** The station's sign-in against the lab's provider, with everything that can go wrong in it. */
describe('sign-in', () => {
  let fixture: LabFixture | undefined;

  afterEach(async () => {
    await fixture?.stop();
    fixture = undefined;
  });

  async function withProfile(change: (text: string) => string): Promise<LabFixture> {
    fixture = await startLabFixture([]);
    const text = await readFile(fixture.lab.profilePath, 'utf8');
    await writeFile(fixture.lab.profilePath, change(text));
    await fixture.restart();
    return fixture;
  }

  it('a wrong client id says so, with the numeric id as the remedy', async () => {
    const { station } = await withProfile((text) =>
      text.replace(/^client_id = .*$/m, 'client_id = "fleet-station"'),
    );
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(/IDENTITY_CLIENT_UNKNOWN/);
    expect(station.state.session).toMatchObject({
      state: 'signed-out',
      error: { code: 'IDENTITY_CLIENT_UNKNOWN' },
    });
    expect(station.state.lamps.identity.state).toBe('failed');
  });

  it('an issuer that is somebody else is refused before anything is sent to it', async () => {
    const { station } = await withProfile((text) =>
      text.replace('issuer = "http://127.0.0.1', 'issuer = "http://localhost'),
    );
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(
      /IDENTITY_(ISSUER_MISMATCH|UNREACHABLE|CALL_FAILED)/,
    );
  });

  it('a provider that is down is named, and a later try succeeds', async () => {
    const { station } = await withProfile((text) =>
      text.replace(/^issuer = .*$/m, 'issuer = "http://127.0.0.1:9"'),
    );
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(/IDENTITY_UNREACHABLE/);
  });

  it('a denied sign-in says so, and the next one works', async () => {
    fixture = await startLabFixture([]);
    const { station } = fixture;
    let deny = true;
    // The fixture's browser approves; this one denies first, through the same page.
    station.answerCodesWith(async (url) => {
      await approveAsLabOperator({ verificationUriComplete: url, deny, signal: unlessItHangs() });
    });
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(/IDENTITY_SIGN_IN_DENIED/);
    deny = false;
    await station.signIn(unlessItHangs());
    expect(station.state.session.state).toBe('signed-in');
  });

  it('a sign-in page that fails ends the sign-in at once, and the next one works', async () => {
    fixture = await startLabFixture([]);
    const { station } = fixture;
    station.answerCodesWith(() => Promise.reject(new Error('The page fell over.')));
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(
      'The sign-in page failed: The page fell over.',
    );
    expect(station.state.session.state).toBe('signed-out');
    station.answerCodesWith((url) =>
      approveAsLabOperator({ verificationUriComplete: url, signal: unlessItHangs() }),
    );
    await station.signIn(unlessItHangs());
    expect(station.state.session.state).toBe('signed-in');
  });

  it('a code nobody approves expires and says so', async () => {
    fixture = await startLabFixture([], { deviceCodeLifetimeSeconds: 2 });
    const { station } = fixture;
    station.answerCodesWith(async () => undefined);
    await expect(station.signIn(unlessItHangs())).rejects.toThrow(/IDENTITY_CODE_EXPIRED/);
  });

  it('can be cancelled while it waits', async () => {
    fixture = await startLabFixture([]);
    const { station } = fixture;
    station.answerCodesWith(async () => undefined);
    const signingIn = station.signIn(unlessItHangs());
    await station.until((state) => state.session.state === 'awaiting-approval', unlessItHangs());
    await station.station.handle('session.cancel', null);
    await expect(signingIn).rejects.toThrow('cancelled');
    expect(station.state.session).toEqual({ state: 'signed-out' });
  });

  it('an account without the right may sign in, and the batch tells which right is missing', async () => {
    fixture = await startLabFixture([{ name: 'one' }]);
    const { station, lab } = fixture;
    const { auditor } = lab.identity.otherOperators;
    station.answerCodesWith(async (url) => {
      const { loginName, password } = auditor;
      await approveAsLabOperator({
        verificationUriComplete: url,
        loginName,
        password,
        signal: unlessItHangs(),
      });
    });
    await station.signIn(unlessItHangs());
    await station.enrollAll();
    expect(fixture.row('one').error).toMatchObject({ code: 'IDENTITY_ROLE_MISSING' });
  });

  it('signing out revokes the sign-in and forgets it', async () => {
    fixture = await startLabFixture([]);
    const { station } = fixture;
    await station.signIn(unlessItHangs());
    await station.station.handle('session.signOut', null);
    expect(station.state.session).toEqual({ state: 'signed-out' });
    await expect(station.station.handle('batch.start', { rowIds: ['row-1'] })).rejects.toMatchObject({
      code: 'IDENTITY_NOT_SIGNED_IN',
    });
    const revoked = fixture.lab.identity
      .inspect()
      .requests.filter((request) => request.path === '/oauth/v2/revoke');
    expect(revoked.length).toBeGreaterThan(0);
  });
});
