import { EventEmitter } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withoutAccessToken } from '../adapters/keychain/token-policy.ts';
import { Secret } from '../model/secret.ts';
import type { EnrollmentRow } from '../model/station-state.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeSignInClient, FakeTokenCache } from '../testing/fake-sign-in.ts';
import { askSecret } from './ask-secret.ts';
import { requireUsable, takeGivenSecrets } from './given-secrets.ts';
import { SecretDesk, type SecretDeskOptions } from './secret-desk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('secrets by environment', () => {
  it.each(['MUSTER_ADMIN_TOKEN', 'HARMONY_ZITADEL_ADMIN_TOKEN'])('%s is taken and gone', (variable) => {
    const environment = { [variable]: 'canary', PATH: '/bin' };
    const { token } = takeGivenSecrets(environment);
    expect(token?.value.reveal()).toBe('canary');
    expect(token?.variable).toBe(variable);
    expect(environment).toEqual({ PATH: '/bin' });
    expect(JSON.stringify(token)).not.toContain('canary');
  });

  it('come from a file and from a descriptor, without the line break at the end', () => {
    const file = join(folder, 'secret');
    writeFileSync(file, 'canary word\r\n');
    const fd = openSync(file, 'r');
    const environment = { MUSTER_SUDO_PASSWORD_FILE: file, MUSTER_SSH_PASSWORD_FD: String(fd) };
    const secrets = takeGivenSecrets(environment);
    expect(secrets.sudoPassword?.value.reveal()).toBe('canary word');
    expect(secrets.sshPassword?.value.reveal()).toBe('canary word');
    expect(() => closeSync(fd)).toThrow(/EBADF/);
    expect(environment).toEqual({});
  });

  it.each([
    [{ MUSTER_ADMIN_TOKEN: 'a', HARMONY_ZITADEL_ADMIN_TOKEN: 'b' }, /both set/],
    [{ MUSTER_ADMIN_TOKEN: 'a', MUSTER_ADMIN_TOKEN_FILE: '/x' }, /both set/],
    [{ MUSTER_ADMIN_TOKEN: '' }, /empty/],
    [{ MUSTER_ADMIN_TOKEN_FILE: '/nowhere/at/all' }, /MUSTER_ADMIN_TOKEN_FILE: .*ENOENT/],
    [{ MUSTER_ADMIN_TOKEN_FILE: '/' }, /folder/],
    [{ MUSTER_ADMIN_TOKEN_FD: 'three' }, /number of a file descriptor/],
    [{ MUSTER_SSH_PASSWORD: 'canary\nmore' }, /more than one line/],
  ])('%j is refused to whoever uses it, and gone all the same', (given, says) => {
    const environment: Record<string, string> = { ...given };
    const secrets = takeGivenSecrets(environment);
    expect(environment).toEqual({});
    expect(() => requireUsable(secrets)).toThrow(says);
    try {
      requireUsable(secrets);
    } catch (thrown) {
      expect(String(thrown)).not.toContain('canary');
    }
  });
});

it('a secret that is refused is no obstacle to who does without it', () => {
  const secrets = takeGivenSecrets({ MUSTER_ADMIN_TOKEN: '', MUSTER_SUDO_PASSWORD: 'canary' });
  expect(secrets.sudoPassword?.value.reveal()).toBe('canary');
  expect(secrets.sshPassword).toBeUndefined();
  expect(() => secrets.token).toThrow(/MUSTER_ADMIN_TOKEN: it is empty/);
});

describe('asking on the terminal', () => {
  function terminal() {
    const emitter = new EventEmitter();
    const events = ['data', 'end', 'error'];
    const modes: boolean[] = [];
    let shown = '';
    let interrupts = 0;
    let modeWhenAsked: boolean | undefined;
    return {
      terminal: {
        input: {
          isTTY: true,
          setRawMode: (mode: boolean) => modes.push(mode),
          on: (event: string, listener: () => void) => emitter.on(event, listener),
          off: (event: string, listener: () => void) => emitter.off(event, listener),
          resume: () => undefined,
          pause: () => undefined,
        } as never,
        write: (text: string) => {
          if (shown === '') modeWhenAsked = modes.at(-1);
          shown += text;
        },
        onInterrupt: () => {
          interrupts += 1;
        },
      },
      type: (text: string) => {
        emitter.emit('data', Buffer.from(text));
      },
      hangUp: (event: 'end' | 'error') => {
        emitter.emit(event, new Error('EIO'));
      },
      seen: () => ({
        ...{ modes, shown, interrupts },
        listeners: events.reduce((sum, event) => sum + emitter.listenerCount(event), 0),
      }),
      modeWhenAsked: () => modeWhenAsked,
    };
  }
  const never = new AbortController().signal;

  it('asks only once nothing is echoed any more: whoever answers at once is not shown', () => {
    const { terminal: asked, modeWhenAsked } = terminal();
    void askSecret(asked, 'sudo password: ', never);
    expect(modeWhenAsked()).toBe(true);
  });

  it('shows nothing of what is typed, and corrects it', async () => {
    const { terminal: asked, type, seen } = terminal();
    const answer = askSecret(asked, 'sudo password: ', never);
    type('wrong\u0015cana');
    type('ryx\u007f\r');
    expect((await answer)?.reveal()).toBe('canary');
    expect(seen()).toEqual({ modes: [true, false], shown: 'sudo password: \n', interrupts: 0, listeners: 0 });
  });

  it('gives nothing for an empty answer, and leaves the terminal as it was when interrupted', async () => {
    const empty = terminal();
    const nothing = askSecret(empty.terminal, '?', never);
    empty.type('\r');
    expect(await nothing).toBeUndefined();
    const stopped = terminal();
    const stop = new AbortController();
    const answer = askSecret(stopped.terminal, '?', stop.signal);
    stopped.type('can\u0003');
    expect(stopped.seen().interrupts).toBe(1);
    stop.abort(new Error('interrupted'));
    await expect(answer).rejects.toThrow('interrupted');
    expect(stopped.seen()).toMatchObject({ modes: [true, false], listeners: 0 });
  });

  it.each(['end', 'error'] as const)(
    'gives nothing when the terminal hangs up, told by %s',
    async (event) => {
      const { terminal: asked, hangUp, seen } = terminal();
      const answer = askSecret(asked, '?', never);
      hangUp(event);
      expect(await answer).toBeUndefined();
      expect(seen().listeners).toBe(0);
    },
  );
});

describe('the secret desk', () => {
  const failed = (deviceId: string) =>
    ({ deviceId, error: { secretNeeded: 'sudo-password' } }) as unknown as EnrollmentRow;

  function desk(answers: (string | undefined)[]) {
    const asked: string[][] = [];
    const retried: string[][] = [];
    const options: SecretDeskOptions = {
      ask: async (_kind, rows) => {
        asked.push(rows.map((row) => row.deviceId));
        const text = answers.shift();
        return text === undefined ? undefined : new Secret(text);
      },
      retry: async (deviceIds) => {
        retried.push([...deviceIds]);
      },
    };
    return { desk: new SecretDesk(options), asked, retried };
  }

  it('asks once for all, also for those that fail later', async () => {
    const { desk: one, asked, retried } = desk(['canary']);
    one.take(failed('a'));
    one.take(failed('b'));
    one.take({ deviceId: 'none' } as unknown as EnrollmentRow);
    await one.whenIdle();
    one.take(failed('c'));
    await one.whenIdle();
    expect(asked).toEqual([['a', 'b']]);
    expect(retried).toEqual([['a', 'b'], ['c']]);
  });

  it('asks again only where its answer was refused, and not for ever', async () => {
    const { desk: one, asked, retried } = desk(['first', 'second', 'third', 'fourth']);
    for (let time = 0; time < 5; time += 1) {
      one.take(failed('a'));
      await one.whenIdle();
    }
    expect(asked).toHaveLength(3);
    expect(retried).toEqual([['a'], ['a'], ['a']]);
  });

  it('takes no answer for an answer', async () => {
    const { desk: one, asked, retried } = desk([undefined]);
    one.take(failed('a'));
    await one.whenIdle();
    one.take(failed('b'));
    await one.whenIdle();
    expect([asked, retried]).toEqual([[['a']], []]);
  });
});

it('with the policy refresh the first access token counts as over, and what is renewed does not', async () => {
  const signal = new AbortController().signal;
  const cache = new FakeTokenCache();
  const client = new FakeSignInClient(new FakeClock());
  const tokens = client.tokens();
  cache.tokens = tokens;
  const distrusting = withoutAccessToken(cache);
  expect(await distrusting.load(signal)).toEqual({ ...tokens, expiresAt: 0 });
  expect(await distrusting.load(signal)).toEqual({ ...tokens, expiresAt: 0 });
  const renewed = client.tokens();
  await distrusting.save(renewed, signal);
  expect(await distrusting.load(signal)).toEqual(renewed);
});
