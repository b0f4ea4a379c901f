import { beforeEach, expect, it } from 'vitest';
import { makeConfigDirectory } from '../device/commands.ts';
import { buildProfile, deviceId, freshFacts } from '../testing/builders.ts';
import { createFakePorts } from '../testing/fake-ports.ts';
import { DeviceLog } from './device-log.ts';
import type { EnrollmentContext } from './enrollment-context.ts';
import { EnrollmentRecord } from './enrollment-record.ts';
import { type KeyDelivery, performCommands } from './perform-commands.ts';
import type { CommandResult, MintedKey } from './ports.ts';

const never = new AbortController().signal;
const world = createFakePorts();
let key: MintedKey;

beforeEach(async () => {
  const { userId } = await world.identity.ensureAccount(deviceId('board-01'), 'new', never);
  key = await world.identity.mintKey(userId, 1_900_000_000_000, never);
});

/** Performs a trip that carries a key; the device prints these marks and ends with this status. */
async function deliveryWhen(
  marks: (nonce: string) => readonly string[],
  end: number | Error,
): Promise<KeyDelivery> {
  const log = new DeviceLog(world.clock, () => undefined);
  const place = { deviceId: 'board-01', position: 1, target: 'board.local', address: 'board.local' };
  const record = new EnrollmentRecord({ clock: world.clock, log, publish: () => undefined }, place);
  record.start();
  const session = {
    ...{ hostKeyFingerprint: 'SHA256:x', loginUser: 'pi', close: () => undefined },
    run: async (
      command: { script: string },
      options: { onLine?: (stream: 'stdout', line: string) => void },
    ): Promise<CommandResult> => {
      const nonce = /'@(\S+) step/.exec(command.script)?.[1] ?? '';
      for (const line of marks(nonce)) options.onLine?.('stdout', line);
      if (end instanceof Error) throw end;
      return { exitStatus: end, stdout: '', stderr: '' };
    },
    upload: async (): Promise<CommandResult> => ({ exitStatus: 0, stdout: '', stderr: '' }),
  };
  const context = {
    ...{ ports: world.ports(), profile: buildProfile(), record, session, signal: never },
    look: { elevation: { kind: 'none' }, facts: freshFacts() },
    holder: { id: 'this-station', station: 'Line 1' },
  } as unknown as EnrollmentContext;
  const segments = [
    {
      step: 'key-config' as const,
      parts: [
        { kind: 'fragment' as const, fragment: makeConfigDirectory() },
        { kind: 'receive-key' as const },
      ],
    },
  ];
  let delivery: KeyDelivery | undefined;
  const onKey = async (seen: KeyDelivery): Promise<void> => {
    delivery = seen;
  };
  await performCommands(context, segments, { key, onKey }).catch(() => undefined);
  if (delivery === undefined) throw new Error('Nobody was told about the key.');
  return delivery;
}

const keyRun = (nonce: string): string =>
  `@${nonce} run cat > /etc/fleet-agent/zitadel-key.json < [redacted]`;

it.each<[string, (nonce: string) => readonly string[], number | Error, KeyDelivery]>([
  ['all went well', (n) => [keyRun(n), `@${n} exit 0`], 0, 'delivered'],
  [
    'a later command failed',
    (n) => [keyRun(n), `@${n} exit 0`, `@${n} run write x`, `@${n} exit 1`],
    1,
    'delivered',
  ],
  ['the key command itself failed', (n) => [keyRun(n), `@${n} exit 65`], 65, 'not-delivered'],
  ['an earlier command failed', (n) => [`@${n} run mkdir`, `@${n} exit 1`], 1, 'not-delivered'],
  ['the script was killed while it took the key', (n) => [keyRun(n)], 143, 'unknown'],
  ['the link broke before anything was heard', () => [], new Error('lost'), 'unknown'],
  [
    'the link broke after the key was in place',
    (n) => [keyRun(n), `@${n} exit 0`],
    new Error('lost'),
    'delivered',
  ],
])('when %s, the key counts as %4$s', async (_case, marks, end, expected) => {
  expect(await deliveryWhen(marks, end)).toBe(expected);
});
