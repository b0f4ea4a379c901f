import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endOfProcess } from './process-end.ts';

/** A limit that no test reaches unless what it waits for hangs. */
const FAR_MS = 60_000;

/** A process that waits until it is ended. */
function waiting() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  return { child, pid: child.pid ?? 0, exited: once(child, 'exit') };
}

test('waits until the process is gone', async () => {
  const { child, pid, exited } = waiting();
  let gone = false;
  const end = endOfProcess(pid, FAR_MS).then((byItself) => {
    gone = true;
    return byItself;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(gone).toBe(false);
  child.kill();
  expect(await end).toBe(true);
  await exited;
});

test('ends a process that is still there at the limit, although it is stopped', async () => {
  const { child, pid, exited } = waiting();
  child.kill('SIGSTOP');
  expect(await endOfProcess(pid, 0)).toBe(false);
  expect(await exited).toEqual([null, 'SIGKILL']);
});

test('a process that is gone already has ended', async () => {
  const { child, pid, exited } = waiting();
  child.kill();
  await exited;
  expect(await endOfProcess(pid, FAR_MS)).toBe(true);
});
