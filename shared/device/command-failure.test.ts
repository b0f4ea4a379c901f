import { expect, it } from 'vitest';
import type { StepId } from '../model/enrollment.ts';
import { commandFailure } from './command-failure.ts';

const table: [StepId, number, string, string][] = [
  [
    'packages',
    100,
    'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812',
    'DEVICE_APT_LOCKED',
  ],
  [
    'packages',
    100,
    'E: Unable to acquire the dpkg frontend lock, is another process using it?',
    'DEVICE_APT_LOCKED',
  ],
  ['packages', 100, "E: You don't have enough free space in /var/cache/apt/archives/.", 'DEVICE_DISK_FULL'],
  ['packages', 100, 'E: Unable to locate package podman', 'DEVICE_APT_FAILED'],
  [
    'packages',
    100,
    'Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend.\nE: Unable to locate package podman',
    'DEVICE_APT_FAILED',
  ],
  ['packages', 100, '', 'DEVICE_APT_FAILED'],
  ['binary', 1, 'gzip: stdout: No space left on device', 'DEVICE_DISK_FULL'],
  ['binary', 65, 'the file that arrived is not the file that was sent', 'DEVICE_CONNECTION_LOST'],
  ['key-config', 65, 'the key that arrived is not the key that was sent', 'DEVICE_CONNECTION_LOST'],
  ['unit', 1, 'Failed to restart fleet-agent.service: Unit not found.', 'DEVICE_COMMAND_FAILED'],
  ['user', 9, "useradd: user 'fleet-agent' already exists", 'DEVICE_COMMAND_FAILED'],
];

it.each(table)('%s with status %i and %j is %s', (stepId, status, output, code) => {
  const error = commandFailure(stepId, status, output);
  expect(error).toMatchObject({ code, stepId, phase: 'apply' });
  expect(error.evidence).toContain(`exit status ${status}`);
  expect(error.evidence).toContain(output);
  expect(error.message).not.toContain('unknown');
});

it('says in a whole sentence that a write found no space', () => {
  expect(commandFailure('binary', 1, 'gzip: stdout: No space left on device').message).toContain(
    'Too few bytes are free on the device; more are needed.',
  );
});
