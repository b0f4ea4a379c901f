import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledCli, runCli } from './run-cli.ts';

/** Lists that are no regular file. Each has one bad row, so that nothing but reading is done with it. */
describe('a list that comes through a pipe', () => {
  const list = 'device_id,target\nUPPER,10.0.0.1\n';
  let folder: string;
  let bundle: string;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'muster-manifest-'));
    bundle = await bundledCli();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const fleet = [
    '--issuer-url',
    'http://127.0.0.1:9',
    '--audience',
    '1',
    '--agent-binary',
    'agent',
    '--json',
  ];
  const env = { MUSTER_ADMIN_TOKEN: 'none' };
  const pipe = (name: string): string => {
    const file = path.join(folder, name);
    execFileSync('mkfifo', [file]);
    return file;
  };

  test.each(['-', '/dev/stdin'])('is read as %s', async (file) => {
    const run = await runCli(['batch', file, ...fleet], { env, stdin: list });
    expect(run.status, run.stderr).toBe(4);
    expect(run.events('manifest-problem')[0]).toMatchObject({ row: 2, column: 'device_id' });
  });

  test('is read from what a shell makes of a command', async () => {
    const run = await runCli(['batch', ...fleet], {
      env,
      command: ['bash', '-c', `"$@" <(printf '${list}')`, 'bash', process.execPath, bundle],
    });
    expect(run.status, run.stderr).toBe(4);
    expect(run.events('manifest-problem')).toHaveLength(1);
  });

  test('is waited for until Ctrl-C', async () => {
    const file = pipe('list');
    const child = spawn(process.execPath, [bundle, 'batch', file, ...fleet], {
      ...{ env: { ...env, PATH: process.env.PATH, HOME: '/nonexistent' }, stdio: 'ignore' },
    });
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    // Opened as soon as somebody reads it, and nothing is ever written.
    const writer = await open(file, 'w');
    child.kill('SIGINT');
    expect(await status).toBe(130);
    await writer.close();
  });

  test('an agent binary is no pipe, and nobody waits for one', async () => {
    const agent = pipe('agent');
    const run = await runCli(['batch', '-', ...fleet.map((word) => (word === 'agent' ? agent : word))], {
      ...{ env, stdin: 'device_id,target\na,10.0.0.1\n' },
    });
    expect(run.status, run.stderr).toBe(2);
    expect(run.events('usage')[0]?.says).toContain('It is not a file.');
  });
});
