import type { LockHolder } from '../device/fence.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { durationText } from '../model/duration-text.ts';
import { type Look, type LookContext, lookAtDevice } from './look-at-device.ts';

/** A script of ours that was cut off may have an apt on the device that waits for its lock and then installs. */
export const OWN_SCRIPT_LIMIT_MS = 10 * 60_000;
const LOOK_AGAIN_AFTER_MS = 3_000;

/**
 * Looks at the device, and again until no script of this station runs on it any more: what a script that was cut off
 * still does would make any plan wrong. Another station's script is not waited for beyond the look itself.
 * @throws DEVICE_BUSY, and what {@link lookAtDevice} throws
 */
export async function lookWhenFree(context: LookContext & { readonly holder: LockHolder }): Promise<Look> {
  const { clock, record, holder, signal } = context;
  const startedAt = clock.monotonicMs();
  for (;;) {
    const look = await lookAtDevice(context);
    const { heldBy } = look.facts;
    if (heldBy === undefined) return look;
    const waitedMs = clock.monotonicMs() - startedAt;
    if (heldBy.id !== holder.id || waitedMs > OWN_SCRIPT_LIMIT_MS) {
      const evidence = `The lock on the device was held for ${durationText(waitedMs)} by ${heldBy.station} (${heldBy.id}).`;
      const details = { holder: heldBy.station };
      throw new EnrollmentError('DEVICE_BUSY', { details, evidence, phase: 'check', stepId: 'connect' });
    }
    const running = record.row.steps.find((step) => step.state === 'running')?.id ?? 'connect';
    const text = 'what was cut off still finishes on the device';
    record.progress(running, { text, done: undefined, total: undefined });
    record.log.add({ kind: 'note', stepId: running, text });
    await clock.sleep(LOOK_AGAIN_AFTER_MS, signal);
  }
}
