import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HANGS_AFTER_MS } from '#shared/testing/patience.ts';
import { findNatsServer } from './nats/testing/find-nats-server.ts';
import { projectRoot } from './testing/lab-fixture.ts';

/** The batch in the terminal as a person runs it and ends it. */
describe('Ctrl-C in the terminal run', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-headless-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  async function interruptAt(line: RegExp) {
    const natsServer = findNatsServer();
    if (natsServer === undefined)
      throw new Error('There is no nats-server here. Run the tests with: npm test');
    const words = ['--import', 'tsx', 'e2e/lab/headless.ts', '--devices', '3', '--user-data-dir', dir];
    const child = spawn(process.execPath, words, {
      cwd: projectRoot,
      env: { ...process.env, MUSTER_NATS_SERVER: natsServer },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let interrupted = false;
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (interrupted || !line.test(output)) return;
      interrupted = true;
      child.kill('SIGINT');
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), HANGS_AFTER_MS);
    const [status] = await once(child, 'close');
    clearTimeout(limit);
    expect(interrupted, output + errors).toBe(true);
    return { status, output, errors };
  }

  /** The server's pid file goes when it has ended. */
  const serverIsGone = () =>
    expect(readFile(path.join(dir, 'lab/nats/nats-server.pid'))).rejects.toMatchObject({ code: 'ENOENT' });

  it.each([
    ['while the lab starts', /lab: starting rehearsal|lab: starting 3/],
    ['at the sign-in', /sign-in: no browser here/],
    ['in the batch', /sign-in: .* kept in memory/],
  ])('%s ends everything without a stack', async (_title, line) => {
    const { status, output, errors } = await interruptAt(line);
    expect(status).toBe(1);
    expect(`${output}${errors}`).not.toMatch(/\n\s+at |Unhandled|Error:/);
    await serverIsGone();
  });
});
