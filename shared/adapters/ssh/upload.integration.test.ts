import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { receiveBinary } from '../../device/commands.ts';
import { defineCommand } from '../../device/device-command.ts';
import { EXIT_DATA_DIFFERS } from '../../device/exit-status.ts';
import type { AgentBinary, DeviceSession } from '../../engine/ports.ts';
import { HANGS_AFTER_MS, patience, unlessItHangs } from '../../testing/patience.ts';
import { createAgentBinaryStore } from '../binary/agent-binary-store.ts';
import { ELF_HEADER_BYTES } from '../binary/elf.ts';
import { pinsOf } from './testing/pins.ts';
import { noSshdReason, type RealSshd, startRealSshd } from './testing/real-sshd.ts';
import { testConnector } from './testing/test-connector.ts';

const missing =
  noSshdReason() ?? (process.arch === 'x64' ? undefined : 'the binary would need this processor');
if (missing !== undefined) console.warn(`SKIPPED: uploads to OpenSSH: ${missing}.`);

const header = readFileSync(process.execPath).subarray(0, ELF_HEADER_BYTES);
/** Large enough that it is on its way for a while. */
const content = Buffer.concat([header, randomBytes(16 * 1024 * 1024)]);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What the device has of the agent binary after an upload that went right, was cut, or was not what was approved. */
describe.skipIf(missing !== undefined)('uploading the agent binary', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-upload-test-'));
  const root = join(folder, 'root');
  const place = join(root, 'usr/local/bin');
  const file = join(folder, 'agent');
  const store = createAgentBinaryStore();
  const open: DeviceSession[] = [];
  let sshd: RealSshd;

  beforeAll(async () => {
    sshd = await startRealSshd();
  });
  beforeEach(() => {
    rmSync(root, { recursive: true, force: true });
    for (const path of [place, join(root, 'etc')]) mkdirSync(path, { recursive: true });
    writeFileSync(join(place, 'fleet-agent'), 'the agent in use', { mode: 0o755 });
    writeFileSync(file, content);
  });
  afterEach(() => {
    for (const session of open.splice(0)) session.close();
  });
  afterAll(async () => {
    await store.close();
    await sshd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function upload(
    binary: AgentBinary,
    onProgress?: (bytes: number, session: DeviceSession) => void,
    to: RealSshd = sshd,
  ) {
    const session = await testConnector({ private_key_file: to.clientKeyFile }).connect(
      { kind: 'ssh', user: undefined, host: '127.0.0.1', port: to.port },
      {
        ...{ credential: { user: to.user }, hostKeys: pinsOf(undefined) },
        signal: unlessItHangs(),
      },
    );
    open.push(session);
    const script = `MUSTER_DEVICE_ROOT='${root}'\n${receiveBinary(binary.sha256).script}`;
    return session.upload(defineCommand('Upload', script, { asRoot: true }), binary, {
      ...{ elevation: { kind: 'none' }, signal: unlessItHangs(), limitMs: HANGS_AFTER_MS },
      onProgress: (bytes) => onProgress?.(bytes, session),
    });
  }
  const approved = () => store.open(file, 'x86_64', unlessItHangs());
  const installed = () => sha256(readFileSync(join(place, 'fleet-agent')));

  it('puts exactly the approved file in place', async () => {
    expect((await upload(await approved())).exitStatus).toBe(0);
    expect(installed()).toBe(sha256(content));
    expect(readdirSync(place)).toEqual(['fleet-agent']);
  });

  it.each([
    ['aes128-gcm@openssh.com', 'hmac-sha2-256'],
    ['aes256-ctr', 'hmac-sha2-256-etm@openssh.com'],
    ['aes256-ctr', 'hmac-sha2-512'],
  ])('arrives whole with %s and %s, however often keys are exchanged', async (cipher, mac) => {
    const eager = await startRealSshd({
      config: [`Ciphers ${cipher}`, `MACs ${mac}`, 'RekeyLimit 1M', 'LogLevel DEBUG1'],
    });
    try {
      expect((await upload(await approved(), undefined, eager)).exitStatus).toBe(0);
      expect(installed()).toBe(sha256(content));
      for (const session of open.splice(0)) session.close();
      // On a busy computer what is on its way when sshd asks for new keys, up to its window of 2 MiB, comes before
      // they are exchanged: of the 16 exchanges that 16 MiB could take, 5 are certain, and the one of the login.
      const exchanges = () => eager.log().match(/SSH2_MSG_KEXINIT received/g) ?? [];
      await eager.whenIdle();
      expect(exchanges().length).toBeGreaterThan(5);
    } finally {
      for (const session of open.splice(0)) session.close();
      await eager.stop();
    }
  });

  it('sends the approved file when another one takes its name meanwhile', async () => {
    const binary = await approved();
    rmSync(file);
    writeFileSync(file, Buffer.concat([header, randomBytes(1000)]));
    expect((await upload(binary)).exitStatus).toBe(0);
    expect(installed()).toBe(sha256(content));
  });

  it('leaves the agent in use when the file is written over after it was approved', async () => {
    const binary = await approved();
    writeFileSync(file, Buffer.concat([header, randomBytes(content.length - header.length)]), { flag: 'r+' });
    const { exitStatus, stderr } = await upload(binary);
    expect(exitStatus).toBe(EXIT_DATA_DIFFERS);
    expect(stderr).toContain('not the file that was sent');
    expect(readFileSync(join(place, 'fleet-agent'), 'utf8')).toBe('the agent in use');
    expect(readdirSync(place)).toEqual(['fleet-agent']);
  });

  it('leaves nothing half when it is cut, and the next one begins anew', async () => {
    const binary = await approved();
    let sawTemporary = false;
    const cut = upload(binary, (bytes, session) => {
      if (bytes < content.length / 2) return;
      sawTemporary ||= readdirSync(place).some((name) => name.startsWith('.fleet-agent.new.'));
      session.close();
    });
    await expect(cut).rejects.toMatchObject({ code: 'DEVICE_CONNECTION_LOST' });
    expect(sawTemporary).toBe(true);
    await expect.poll(() => readdirSync(place), patience).toEqual(['fleet-agent']);
    expect(readFileSync(join(place, 'fleet-agent'), 'utf8')).toBe('the agent in use');
    // Also what only a power cut leaves.
    writeFileSync(join(place, '.fleet-agent.new.AbCdEfGh'), 'half');
    expect((await upload(binary)).exitStatus).toBe(0);
    expect(installed()).toBe(sha256(content));
    expect(readdirSync(place)).toEqual(['fleet-agent']);
    expect(existsSync(join(root, 'etc/fleet-agent'))).toBe(true);
  });
});
