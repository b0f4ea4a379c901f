import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endLeftoverServer, startServerProcess } from './server-process.ts';
import { findNatsServer } from './testing/find-nats-server.ts';

const executable = findNatsServer();
if (executable === undefined) {
  console.warn(
    'SKIPPED: nats-server process tests. No nats-server in MUSTER_NATS_SERVER, on PATH or in the cache.',
  );
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.skipIf(executable === undefined)('startServerProcess', () => {
  let dir = '';
  let configPath = '';

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-nats-process-'));
    configPath = join(dir, 'nats-server.conf');
    writeFileSync(configPath, JSON.stringify({ host: '127.0.0.1', port: -1, ports_file_dir: dir }));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const start = (signal = new AbortController().signal) =>
    startServerProcess({ executable: executable ?? '', configPath, dir, signal });

  it('gives the address it listens on and leaves nothing behind when stopped', async () => {
    const server = await start();
    expect(server.urls[0]).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(isRunning(server.pid)).toBe(true);
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    await server.stop();
  });

  it('ends with the signal', async () => {
    const abort = new AbortController();
    const server = await start(abort.signal);
    abort.abort();
    await server.ended;
    expect(isRunning(server.pid)).toBe(false);
  });

  it("says the server's own words when it cannot start", async () => {
    writeFileSync(configPath, JSON.stringify({ port: 'nowhere' }));
    await expect(start()).rejects.toThrow(/ended at once[\s\S]*nats-server\.conf:1/);
  });

  it('says when there is no such program', async () => {
    const signal = new AbortController().signal;
    await expect(
      startServerProcess({ executable: join(dir, 'none'), configPath, dir, signal }),
    ).rejects.toThrow(/ENOENT/);
  });

  it('ends the server of an earlier run that was killed, and no other process', async () => {
    const server = await start();
    await endLeftoverServer({ dir, configPath });
    await server.ended;
    expect(isRunning(server.pid)).toBe(false);
    await server.stop();

    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      writeFileSync(join(dir, 'nats-server.pid'), `${stranger.pid}\n`);
      await endLeftoverServer({ dir, configPath });
      expect(isRunning(stranger.pid ?? 0)).toBe(true);
      expect(() => readFileSync(join(dir, 'nats-server.pid'))).toThrow(/ENOENT/);
    } finally {
      stranger.kill('SIGKILL');
    }
  });
});
