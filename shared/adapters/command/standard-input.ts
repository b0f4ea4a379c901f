import type { Clock } from '../../engine/ports.ts';
import type { Secret } from '../../model/secret.ts';
import type { CommandInput } from './command-transport.ts';
import { createLinkPace, type LinkPace } from './link-pace.ts';

/** What follows the script on its standard input. `pace`: how fast it has been taken so far. */
export type StandardInput = (pace: LinkPace) => AsyncIterable<Uint8Array>;

/** The bytes of a payload, or nothing. */
export function payloadInput(payload: Secret | undefined): StandardInput {
  return async function* () {
    if (payload !== undefined && !payload.isEmpty) yield Buffer.from(payload.reveal(), 'utf8');
  };
}

/**
 * Writes prologue and input at the reader's pace, then ends it. Returns early, without error, when the reader is
 * gone.
 */
export async function sendInput(
  to: CommandInput,
  prologue: Uint8Array,
  input: StandardInput,
  clock: Clock,
): Promise<void> {
  const pace = createLinkPace();
  await to.write(prologue);
  const before = to.arrivedBytes;
  for await (const bytes of input(pace)) {
    if (!to.isOpen) return;
    await to.write(bytes);
    pace.record(to.arrivedBytes - before, clock.monotonicMs());
  }
  if (to.isOpen) to.end();
}
