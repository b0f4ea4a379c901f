import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineCommand, type ElevationMethod } from '../../device/device-command.ts';
import { receiveParts } from '../../device/receive.ts';
import type { AgentBinary, DeviceSession } from '../../engine/ports.ts';
import { Secret } from '../../model/secret.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { pinsOf } from './testing/pins.ts';
import { noSshdReason, type RealSshd, startRealSshd } from './testing/real-sshd.ts';
import { testConnector } from './testing/test-connector.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: SSH against OpenSSH: ${missing}.`);

const none: ElevationMethod = { kind: 'none' };
const sudoWithPassword: ElevationMethod = { kind: 'sudo-password', password: new Secret('correct horse') };

/**
 * A sudo with sudo's own habits: -n never asks; -S prints its prompt and takes a line from standard input, up to three
 * times, each of which it notes in the file `tries`. It asks unless the marker file `nopasswd` lies beside it, or,
 * without -k, the file `ticket`.
 */
const FAKE_SUDO = `#!/bin/sh
here=$(dirname "$0")
prompt='Password: ' forget='' may_read=''
while :; do
  case $1 in
    -n) [ -e "$here/nopasswd" ] || { echo 'sudo: a password is required' >&2; exit 1; }; shift;;
    -S) may_read=yes; shift;;
    -k) forget=yes; shift;;
    -p) prompt=$2; shift 2;;
    *) break;;
  esac
done
if [ "$may_read" ] && [ ! -e "$here/nopasswd" ] && { [ "$forget" ] || [ ! -e "$here/ticket" ]; }; then
  tries=0
  while :; do
    printf %s "$prompt" >&2
    IFS= read -r line || { echo "sudo: $tries incorrect password attempts" >&2; exit 1; }
    echo "$line" >> "$here/tries"
    [ "$line" = 'correct horse' ] && break
    tries=$((tries + 1))
    [ $tries = 3 ] && { echo 'sudo: 3 incorrect password attempts' >&2; exit 1; }
    echo 'Sorry, try again.' >&2
  done
fi
ELEVATED=yes exec "$@"
`;

describe.skipIf(missing !== undefined)('against OpenSSH', () => {
  let sshd: RealSshd;
  let session: DeviceSession;
  const open: DeviceSession[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'muster-ssh-test-'));

  const connect = async (expectedHostKey?: string) => {
    const connector = testConnector({ private_key_file: sshd.clientKeyFile });
    const connected = await connector.connect(
      { kind: 'ssh', user: undefined, host: '127.0.0.1', port: sshd.port },
      {
        credential: { user: sshd.user },
        hostKeys: pinsOf(expectedHostKey),
        signal: unlessItHangs(),
      },
    );
    open.push(connected);
    return connected;
  };
  const run = (
    script: string,
    more: { payload?: Secret; elevation?: ElevationMethod; asRoot?: boolean } = {},
  ) =>
    session.run(defineCommand('Test', script, { asRoot: more.asRoot ?? true }), {
      elevation: more.elevation ?? none,
      signal: unlessItHangs(),
      limitMs: HANGS_AFTER_MS,
      ...(more.payload === undefined ? {} : { payload: more.payload }),
    });

  beforeAll(async () => {
    sshd = await startRealSshd();
    writeFileSync(join(sshd.binFolder, 'sudo'), FAKE_SUDO, { mode: 0o755 });
    session = await connect();
  });
  afterAll(async () => {
    for (const one of open) one.close();
    await sshd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints the fingerprint as OpenSSH does and accepts a pinned one', async () => {
    expect(session.hostKeyFingerprint).toBe(sshd.fingerprint);
    const again = await connect(sshd.fingerprint);
    expect(again.hostKeyFingerprint).toBe(sshd.fingerprint);
  });

  it('gives output, exit status and a signal death as they are', async () => {
    expect(await run('echo out; echo err >&2; exit 7')).toEqual({
      exitStatus: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await run('kill -KILL $$')).exitStatus).toBe(137);
  });

  it('keeps quotes, dollars, line breaks and non-ASCII of a script', async () => {
    const script = `x='a'\\''b'; printf '%s|%s|%s\\n' "$x" "$(printf '%s' 'ä→😀')" '$HOME"'\n: end`;
    expect((await run(script)).stdout).toBe(`a'b|ä→😀|$HOME"\n`);
  });

  it('hands the payload to the script byte for byte, and nothing after it', async () => {
    const payload = `line 1\nline 2 with ä and \\ and 'quotes'\n\n${'x'.repeat(200_000)}`;
    const { stdout } = await run('sha256sum; wc -c < /dev/stdin', { payload: new Secret(payload) });
    expect(stdout).toContain(createHash('sha256').update(payload).digest('hex'));
    expect(stdout.trim().endsWith('0')).toBe(true);
  });

  it('shows neither script nor payload in the process list', async () => {
    const { stdout } = await run('tr "\\0" " " < /proc/$$/cmdline; cat > /dev/null # canary-script', {
      payload: new Secret('canary-payload'),
    });
    expect(stdout).toMatch(/^\/bin\/sh -c eval "\$\(head -c \d+\)" $/);
  });

  it('elevates with a password line that never reaches script or payload', async () => {
    const result = await run('echo "$ELEVATED"; cat', {
      elevation: sudoWithPassword,
      payload: new Secret('key\n'),
    });
    expect(result).toEqual({ exitStatus: 0, stdout: 'yes\nkey\n', stderr: '' });
  });

  it.each(['nopasswd', 'ticket'])('a password line that sudo leaves (%s) is thrown away', async (marker) => {
    const file = join(sshd.binFolder, marker);
    writeFileSync(file, '');
    try {
      // As shell text each of these would do harm, or swallow the beginning of the script.
      for (const password of ['correct horse', `touch ${folder}/canary`, "'", '', 'ä\\']) {
        const elevation: ElevationMethod = { kind: 'sudo-password', password: new Secret(password) };
        if (marker === 'ticket' && password !== 'correct horse') continue;
        const result = await run('echo "$ELEVATED"; echo to-stderr >&2; cat; exit 4', {
          elevation,
          payload: new Secret('key\n'),
        });
        expect(result).toEqual({ exitStatus: 4, stdout: 'yes\nkey\n', stderr: 'to-stderr\n' });
      }
      expect(existsSync(join(folder, 'canary'))).toBe(false);
    } finally {
      rmSync(file);
    }
  });

  it('never elevates a command that needs no root', async () => {
    expect((await run('echo "[$ELEVATED]"', { elevation: sudoWithPassword, asRoot: false })).stdout).toBe(
      '[]\n',
    );
  });

  it('tells a missing from a wrong sudo password', async () => {
    await expect(run('echo no', { elevation: { kind: 'sudo' } })).rejects.toMatchObject({
      code: 'DEVICE_SUDO_PASSWORD_NEEDED',
    });
    const wrong: ElevationMethod = { kind: 'sudo-password', password: new Secret('wrong-canary') };
    const tries = join(sshd.binFolder, 'tries');
    rmSync(tries, { force: true });
    const refusal = run('echo no\necho no\necho no', { elevation: wrong, payload: new Secret('p\np\n') });
    await expect(refusal).rejects.toMatchObject({ code: 'DEVICE_SUDO_REFUSED' });
    await expect(refusal).rejects.not.toMatchObject({ evidence: expect.stringContaining('wrong-canary') });
    // Every line sudo is offered counts as a wrong password, and enough of them lock the account.
    expect(readFileSync(tries, 'utf8')).toBe('wrong-canary\n');
  });

  it('uploads a large file compressed, with progress, at the pace of the far side', async () => {
    const sizeBytes = 24 * 1024 * 1024;
    const chunk = Buffer.alloc(256 * 1024, 'pattern that compresses a little 0123456789');
    const hash = createHash('sha256');
    for (let sent = 0; sent < sizeBytes; sent += chunk.length) hash.update(chunk);
    const sha256 = hash.digest('hex');
    const file: AgentBinary = {
      path: 'agent',
      sizeBytes,
      sha256,
      architecture: 'x86_64',
      chunks: async function* () {
        for (let sent = 0; sent < sizeBytes; sent += chunk.length) yield chunk;
      },
    };
    const progress: number[] = [];
    const result = await session.upload(
      defineCommand('Upload', `t=${folder}/agent\n${receiveParts()}\nsha256sum < "$t"`, { asRoot: true }),
      file,
      {
        elevation: sudoWithPassword,
        signal: unlessItHangs(),
        limitMs: HANGS_AFTER_MS,
        onProgress: (bytes) => progress.push(bytes),
      },
    );
    expect(result.exitStatus).toBe(0);
    expect(result.stdout).toContain(sha256);
    expect(progress.at(-1)).toBe(sizeBytes);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('ends an upload whose script stops reading, with the exit status', async () => {
    const endless: AgentBinary = {
      path: 'agent',
      sizeBytes: Number.MAX_SAFE_INTEGER,
      sha256: '',
      architecture: 'x86_64',
      chunks: async function* () {
        for (;;) yield createHash('sha256').update(String(Math.random())).digest();
      },
    };
    const command = defineCommand('Upload', 'head -c 100000 > /dev/null; exit 3', { asRoot: true });
    const result = await session.upload(command, endless, {
      elevation: none,
      signal: unlessItHangs(),
      limitMs: HANGS_AFTER_MS,
    });
    expect(result.exitStatus).toBe(3);
  });

  it('reports a file that cannot be read to its end', async () => {
    const broken: AgentBinary = {
      path: 'agent',
      sizeBytes: 10,
      sha256: '',
      architecture: 'x86_64',
      // biome-ignore lint/correctness/useYield: it fails before its first chunk.
      chunks: async function* () {
        throw new Error('disk error');
      },
    };
    const own = await connect();
    const command = defineCommand('Upload', 'cat > /dev/null', { asRoot: true });
    const options = { elevation: none, signal: unlessItHangs(), limitMs: HANGS_AFTER_MS };
    await expect(own.upload(command, broken, options)).rejects.toThrow('disk error');
  });

  it('ends a command at its limit, and at once when aborted', async () => {
    const slow = defineCommand('Sleep', 'echo begun; exec sleep 600', { asRoot: true });
    const first = await connect();
    await expect(
      first.run(slow, { elevation: none, signal: new AbortController().signal, limitMs: 400 }),
    ).rejects.toMatchObject({ code: 'DEVICE_TIMEOUT', details: { step: 'Sleep' } });
    const second = await connect();
    const stop = new AbortController();
    const reason = new Error('stopped by the operator');
    const running = second.run(slow, {
      elevation: none,
      signal: stop.signal,
      limitMs: HANGS_AFTER_MS,
      onLine: () => stop.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    await expect(
      second.run(slow, { elevation: none, signal: unlessItHangs(), limitMs: HANGS_AFTER_MS }),
    ).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
  });

  it('lets at most as many log in at once as sshd admits', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => connect(sshd.fingerprint)));
    expect(sessions).toHaveLength(20);
  });
});
