import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openJournal } from '#shared/adapters/journal/journal.ts';
import { unlessItHangs } from '#shared/testing/patience.ts';
import type { Faults } from './identity/faults.ts';
import { type LabFixture, startLabFixture } from './testing/lab-fixture.ts';

const isMint = (request: { method: string; path: string }): boolean =>
  request.method === 'POST' && /\/(?:management\/v1|v2)\/users\/\d+\/keys$/.test(request.path);

/** No key may stay alive that no device holds, whatever is cut off, and the station never mints twice blindly. */
describe('keys after an interruption', () => {
  let fixture: LabFixture | undefined;

  afterEach(async () => {
    await fixture?.stop();
    fixture = undefined;
  });

  const liveKeys = (of: LabFixture): readonly string[] =>
    of.lab.identity
      .inspect()
      .keys.filter((key) => key.live)
      .map((key) => key.id);

  it('a mint whose reply is lost leaves no live key, and a retry leaves exactly one', async () => {
    let lose = true;
    const identityFaults: Faults = {
      before: (request) => {
        if (!lose || !isMint(request)) return undefined;
        lose = false;
        return 'drop-response';
      },
    };
    fixture = await startLabFixture([{ name: 'one' }], { identityFaults });
    const { station } = fixture;
    await station.signIn(unlessItHangs());
    await station.enrollAll();
    expect(fixture.row('one').state).toBe('failed');
    expect(fixture.lab.identity.inspect().mutations['key.registered']).toBe(1);
    expect(liveKeys(fixture)).toEqual([]);

    await station.station.handle('batch.retry', { deviceIds: ['one'] });
    await station.station.whenBatchIdle();
    expect(fixture.row('one').state).toBe('enrolled');
    expect(liveKeys(fixture)).toHaveLength(1);
  });

  it('a provider that answers 503 to the mint is not asked to mint again by itself', async () => {
    let mints = 0;
    const identityFaults: Faults = {
      before: (request) => {
        if (!isMint(request)) return undefined;
        mints += 1;
        return { status: 503, body: '{"code":14,"message":"unavailable"}' };
      },
    };
    fixture = await startLabFixture([{ name: 'one' }], { identityFaults });
    await fixture.station.signIn(unlessItHangs());
    await fixture.station.enrollAll();
    expect(fixture.row('one').error?.code).toBe('IDENTITY_CALL_FAILED');
    expect(mints).toBe(1);
    expect(liveKeys(fixture)).toEqual([]);
  });

  it('a station killed between minting and delivery deletes that key at its next start', async () => {
    fixture = await startLabFixture([{ name: 'one' }]);
    await fixture.station.signIn(unlessItHangs());
    await fixture.station.enrollAll();
    const held = liveKeys(fixture);
    expect(held).toHaveLength(1);
    const { identity } = fixture.lab;
    const userId = identity.inspect().users.find((user) => user.userName === 'device-one')?.id ?? '';

    // What a killed station leaves behind: a live key nobody holds, and the intent on disk.
    await fixture.station.close();
    const expiresAt = Date.now() + 1_000_000_123;
    const minted = await fetch(`${identity.issuer}/management/v1/users/${userId}/keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${identity.adminToken}`,
        'content-type': 'application/json',
        'x-zitadel-orgid': identity.orgId,
      },
      body: JSON.stringify({ type: 'KEY_TYPE_JSON', expirationDate: new Date(expiresAt).toISOString() }),
    });
    expect(minted.ok).toBe(true);
    const journal = openJournal(path.join(fixture.dir, 'station', 'journal.sqlite'));
    journal.openKeyIntent({
      ...{
        intentId: 'cut-off',
        issuer: identity.issuer,
        projectId: identity.projectId,
        deviceId: 'one',
        userId,
        keyIdsBefore: held,
        expiresAt,
      },
      createdAt: Date.now(),
    });
    journal.close();
    expect(liveKeys(fixture)).toHaveLength(2);

    const station = await fixture.reopen();
    await station.signIn(unlessItHangs());
    await station.until(
      (state) => state.notices.some((notice) => notice.text.includes('never reached a device')),
      unlessItHangs(),
    );
    expect(liveKeys(fixture)).toEqual(held);
  });
});
