import { commandFailure } from '../device/command-failure.ts';
import type { DeviceCommand } from '../device/device-command.ts';
import { fenced, type LockHolder } from '../device/fence.ts';
import { firstBootLimitSeconds } from '../device/paths.ts';
import { awaitFirstBoot, setClock } from '../device/settle-commands.ts';
import { type Look, type LookContext, lookAgain } from './look-at-device.ts';

const SET_CLOCK_LIMIT_MS = 30_000;
/** The script ends by itself before. */
const FIRST_BOOT_LIMIT_MS = (firstBootLimitSeconds + 60) * 1000;
type SettleContext = LookContext & { readonly holder: LockHolder };

/** Less is the look's own uncertainty. */
const CLOCK_IS_OFF_FROM_SECONDS = 2;

/**
 * Brings a device to where an enrollment can begin, as part of the connect step, and looks again where it did
 * something.
 * @param maySet whether the operator asked for the clock to be set: never done otherwise
 */
export async function settleDevice(context: SettleContext, first: Look, maySet: boolean): Promise<Look> {
  let look = first;
  if (look.facts.firstBootRunning) {
    context.record.progress('connect', { text: 'waits for cloud-init', done: undefined, total: undefined });
    await perform(context, look, awaitFirstBoot(), FIRST_BOOT_LIMIT_MS);
    context.record.clearProgress('connect');
    look = { ...look, facts: await lookAgain(context, look) };
  }
  if (maySet && Math.abs(look.facts.clockOffsetSeconds) >= CLOCK_IS_OFF_FROM_SECONDS) {
    await perform(context, look, setClock(context.clock.nowMs() / 1000), SET_CLOCK_LIMIT_MS);
    look = { ...look, facts: await lookAgain(context, look) };
  }
  if (look.facts.rebootRequired) {
    const text = 'the device wants to be restarted; it is enrolled all the same';
    context.record.log.add({ kind: 'note', stepId: 'connect', text });
  }
  return look;
}

/** Runs one command of the connect step, shown in the log with what it prints. */
async function perform(
  { session, record, holder, signal }: SettleContext,
  { elevation, facts }: Look,
  command: DeviceCommand,
  limitMs: number,
): Promise<void> {
  record.countRoundTrip();
  record.log.add({ kind: 'command', stepId: 'connect', text: command.title });
  const result = await session.run(fenced(command, { holder, epoch: facts.epoch }), {
    ...{ signal, elevation, limitMs },
    onLine: (_stream, text) => {
      if (text.trim() !== '') record.log.add({ kind: 'output', stepId: 'connect', text });
    },
  });
  if (result.exitStatus !== 0)
    throw commandFailure('connect', result.exitStatus, `${result.stdout}\n${result.stderr}`);
}
