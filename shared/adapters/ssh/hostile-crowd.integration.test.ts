import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineCommand } from '../../device/device-command.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { MemoryPins } from './testing/pins.ts';
import { noSshdReason, type RealSshd, startRealSshd } from './testing/real-sshd.ts';
import { testConnector } from './testing/test-connector.ts';

const missing = noSshdReason();
if (missing !== undefined) console.warn(`SKIPPED: a crowd of hostile devices: ${missing}.`);

const CROWD = 50;
const MOST_BYTES = 200 * 1024 * 1024;

/** The largest memory of this process while some work goes on, above what it was before. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let largest = before;
  const timer = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage().rss);
  }, 10);
  await work();
  clearInterval(timer);
  return Math.max(largest, process.memoryUsage().rss) - before;
}

describe.skipIf(missing !== undefined)(`${CROWD} hostile devices at once`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-crowd-'));
  let crowd: ChildProcess;
  let ports: Readonly<Record<string, number>> = {};
  let sshd: RealSshd;
  const connect = (port: number, connectMs = HANGS_AFTER_MS) =>
    testConnector(
      { private_key_file: sshd.clientKeyFile },
      { limits: { connectMs, handshakes: CROWD } },
    ).connect(
      { kind: 'ssh', user: 'root', host: '127.0.0.1', port },
      { credential: { user: 'root' }, hostKeys: new MemoryPins(), signal: unlessItHangs() },
    );

  beforeAll(async () => {
    sshd = await startRealSshd({ config: ['MaxStartups 100', 'MaxSessions 100'] });
    crowd = spawn(process.execPath, [join(import.meta.dirname, 'testing/hostile-crowd.mjs')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(crowd.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    ports = JSON.parse(line.toString()) as Record<string, number>;
  });
  afterAll(async () => {
    crowd?.kill();
    await sshd?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['garbage', 'DEVICE_SSH_MISBEHAVES', HANGS_AFTER_MS],
    ['lines', 'DEVICE_SSH_MISBEHAVES', HANGS_AFTER_MS],
    ['ignored', 'DEVICE_SSH_MISBEHAVES', HANGS_AFTER_MS],
    // Only who says nothing is ended by the limit: how soon fifty that talk are heard is the computer's affair.
    ['silent', 'DEVICE_UNREACHABLE', 3000],
  ])(
    '%s: bounded memory, an end to each, and an honest device gets through',
    async (name, code, connectMs) => {
      const begun = performance.now();
      let honest: number | undefined;
      const bytes = await growth(async () => {
        const hostile = Array.from({ length: CROWD }, () =>
          connect(ports[name] ?? 0, connectMs).catch((thrown: { code: string }) => thrown.code),
        );
        const session = await connect(sshd.port);
        honest = performance.now() - begun;
        session.close();
        expect(new Set(await Promise.all(hostile))).toEqual(new Set([code]));
      });
      const seconds = (performance.now() - begun) / 1000;
      console.info(
        `${CROWD} × ${name}: ${Math.round(bytes / 2 ** 20)} MiB, ${seconds.toFixed(1)} s, honest after ${Math.round(honest ?? 0)} ms`,
      );
      expect(bytes).toBeLessThan(MOST_BYTES);
    },
  );

  it('output without an end, of real sessions', async () => {
    const endless = defineCommand('Endless', 'exec yes "a line of some length that never ends"', {
      asRoot: false,
    });
    const codes: string[] = [];
    const bytes = await growth(async () => {
      const sessions = await Promise.all(Array.from({ length: CROWD }, () => connect(sshd.port)));
      await Promise.all(
        sessions.map((session) =>
          session
            .run(endless, {
              elevation: { kind: 'none' },
              signal: unlessItHangs(),
              limitMs: HANGS_AFTER_MS,
            })
            .catch((thrown: { code: string }) => codes.push(thrown.code)),
        ),
      );
    });
    console.info(`${CROWD} × endless output: ${Math.round(bytes / 2 ** 20)} MiB`);
    expect(new Set(codes)).toEqual(new Set(['DEVICE_FACTS_UNREADABLE']));
    expect(codes).toHaveLength(CROWD);
    // What the station keeps of each by its own limit is 4 MiB, twice as long as text in memory.
    expect(bytes).toBeLessThan(CROWD * 12 * 1024 * 1024);
  });
});
