import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toErrorView } from '../errors/enrollment-error.ts';
import { type StepId, stepIds } from '../model/enrollment.ts';
import { printable } from '../model/printable.ts';
import { commandFailure } from './command-failure.ts';

const table: [StepId, number, string, string][] = [
  ['packages', 69, 'apt-lock: waited 300 s, held by process 812 (unattended-upgr)', 'DEVICE_APT_LOCKED'],
  [
    ...(['packages', 100] as const),
    'E: Release file for http://mirror.example/debian/dists/bookworm/InRelease is not valid yet (invalid for another 1d 2h 3min 4s). Updates for this repository will not be applied.',
    'DEVICE_CLOCK_OFF',
  ],
  ['packages', 100, 'dpkg: unable to create: Read-only file system', 'DEVICE_READ_ONLY'],
  ['binary', 1, 'mktemp: failed to create file: Read-only file system', 'DEVICE_READ_ONLY'],
  ['binary', 73, 'obstructed: /usr/local/bin/fleet-agent is a directory', 'DEVICE_OBSTRUCTED'],
  ['connect', 71, 'cloud-init is still running', 'DEVICE_TIMEOUT'],
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

it.each([
  [
    'binary',
    'gzip: stdout: No space left on device',
    'Too few bytes are free at /usr/local/bin on the device; more are needed.',
  ],
  [
    'packages',
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    'Too few bytes are free at /var/cache/apt/archives/ on the device; more are needed.',
  ],
  ['key-config', 'chmod: Read-only file system', '/etc/fleet-agent on the device is read-only.'],
  [
    'packages',
    `W: Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease  Temporary failure resolving 'mirror.example'
E: Unable to locate package podman`,
    "failed: Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease  Temporary failure resolving 'mirror.example'.",
  ],
  [
    'packages',
    'Reading package lists...\nE: Unable to locate package podman',
    'failed: Unable to locate package podman.',
  ],
] as const)('of %s says %j in a whole sentence', (stepId, output, says) => {
  expect(commandFailure(stepId, 1, output).message).toContain(says);
});

it('gives a typed error for whatever a device prints and whatever status it ends with', () => {
  const words = [
    'E: ',
    'apt-lock: waited ',
    ' s, held by ',
    'obstructed: ',
    '\n',
    '\x1b[2J',
    '<b>',
    'No space left on device',
  ];
  const output = fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary' })))
    .map((p) => p.join(''));
  fc.assert(
    fc.property(
      fc.constantFrom(...stepIds),
      fc.integer({ min: -1, max: 255 }),
      output,
      (stepId, status, text) => {
        const view = toErrorView(commandFailure(stepId, status, text));
        expect(view.code).toMatch(/^DEVICE_/);
        expect(view.says).not.toMatch(/unknown|\{|NaN/);
        for (const shown of [view.says, view.cause]) expect(printable(shown)).toBe(shown);
      },
    ),
  );
});
