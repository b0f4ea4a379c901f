import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '#shared/model/secret.ts';
import { makeKeyTexts } from './host-key.ts';
import type { RehearsalDevice } from './model.ts';
import { Bench, modesHere } from './testing/bench.ts';
import { connectTo, runOn } from './testing/ssh-client.ts';

const hasOpenSsh = (() => {
  try {
    execFileSync('ssh', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('NOT TESTED HERE: OpenSSH against rehearsal devices, because ssh is not installed');
    return false;
  }
})();

describe.each(await modesHere())('SSH of a rehearsal device, %s mode', (mode) => {
  const bench = new Bench();
  let device: RehearsalDevice;
  beforeAll(async () => {
    device = await bench.startOne({ mode, password: new Secret('right horse') });
  });
  afterAll(() => bench.putAway());

  it('lets the authorized key and the password in', async () => {
    expect((await runOn(await bench.connect(device), 'id -un')).stdout).toBe('pi\n');
    const byPassword = await connectTo(device, { password: 'right horse' });
    expect((await runOn(byPassword, 'id -u')).stdout).toBe('1000\n');
    byPassword.end();
  });

  it('refuses a wrong password, another key, another user and no credentials', async () => {
    const refused = /authentication methods failed/;
    await expect(connectTo(device, { password: 'wrong horse' })).rejects.toThrow(refused);
    await expect(connectTo(device, { privateKey: makeKeyTexts().privateKey })).rejects.toThrow(refused);
    await expect(connectTo(device, { username: 'root', password: 'right horse' })).rejects.toThrow(refused);
    await expect(connectTo(device, {})).rejects.toThrow(refused);
  });

  it('hashes 5 MB of input on the device and gives 5 MB back unharmed', async () => {
    const bytes = randomBytes(5_000_000);
    const client = await bench.connect(device);
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect((await runOn(client, 'sha256sum', bytes)).stdout).toBe(`${hash}  -\n`);
    const text = bytes.toString('base64');
    const echoed = await runOn(client, 'cat', text);
    expect(createHash('sha256').update(echoed.stdout).digest('hex')).toBe(
      createHash('sha256').update(text).digest('hex'),
    );
  });

  it('reads a script of known length from its input and leaves the rest to the script', async () => {
    const script = 'read -r line; echo "got $line"; exec sha256sum';
    const client = await bench.connect(device);
    const ran = await runOn(
      client,
      `/bin/sh -c 'eval "$(head -c ${script.length})"'`,
      `${script}first\nrest`,
    );
    expect(ran.stdout).toBe(`got first\n${createHash('sha256').update('rest').digest('hex')}  -\n`);
  });

  it('reports exit codes, signals, output and errors apart, and quotes like a login shell', async () => {
    const client = await bench.connect(device);
    expect(await runOn(client, `echo "a  b"; echo 'c' >&2; exit 7`)).toEqual({
      code: 7,
      signal: undefined,
      stdout: 'a  b\n',
      stderr: 'c\n',
    });
    expect((await runOn(client, 'kill -KILL $$')).signal).toBe('SIGKILL');
    expect((await runOn(client, 'no-such-command')).code).toBe(127);
  });

  it('runs eight commands side by side on one connection', async () => {
    const client = await bench.connect(device);
    // Each waits for all the others' marks, so one after the other would never end.
    const meet = (n: number): string =>
      `cd "\${MUSTER_DEVICE_ROOT:-}/tmp" && touch mark-${n} && ` +
      `until [ "$(ls | grep -c '^mark-')" = 8 ]; do sleep 0.02; done; echo ${n}`;
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => runOn(client, meet(n))));
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  it('says politely that it has no shell', async () => {
    const client = await bench.connect(device);
    const said = await new Promise<string>((resolve, reject) => {
      client.shell(false, (error, channel) => {
        if (error) return reject(error);
        channel.stderr.on('data', (chunk: Buffer) => resolve(chunk.toString('utf8')));
        channel.resume();
      });
    });
    expect(said).toMatch(/no interactive shell/);
  });

  it.runIf(hasOpenSsh)('works with OpenSSH, which sees the fingerprint the device tells', async () => {
    const home = await mkdtemp(join(tmpdir(), 'rehearsal-ssh-'));
    const known = join(home, 'known_hosts');
    await writeFile(join(home, 'key'), bench.key.privateKey, { mode: 0o600 });
    const options = [
      '-F',
      'none',
      '-i',
      join(home, 'key'),
      '-o',
      `UserKnownHostsFile=${known}`,
      '-o',
      'BatchMode=yes',
    ];
    const args = [
      ...options,
      '-o',
      'StrictHostKeyChecking=accept-new',
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'ServerAliveInterval=1',
    ];
    const target = ['-p', String(device.port), `pi@${device.host}`];
    const run = promisify(execFile);
    // Two keepalive rounds go by while the command sleeps.
    const ran = await run('ssh', [...args, ...target, 'sleep 2.5; hostname']);
    expect(ran.stdout).toBe('bench-01\n');
    await expect(run('ssh', [...args, ...target, 'exit 5'])).rejects.toMatchObject({ code: 5 });
    expect((await run('ssh-keygen', ['-l', '-f', known])).stdout).toContain(` ${device.hostKeyFingerprint} `);
    await rm(home, { recursive: true });
  });
});
