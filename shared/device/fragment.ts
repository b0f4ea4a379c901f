import { type DeviceCommand, defineCommand } from './device-command.ts';
import { shellQuote } from './quote.ts';

declare const brand: unique symbol;

/**
 * One act on the device as part of a trip: what the log shows, and the script that does it. Only
 * `device/commands.ts` builds one.
 */
export interface Fragment {
  readonly [brand]: true;
  readonly shows: string;
  readonly script: string;
  /** Reads the trip's payload from standard input. At most one fragment of a trip does. */
  readonly readsPayload: boolean;
}

/** Builds a fragment. For `shared/device/` only. */
export function defineFragment(shows: string, script: string, readsPayload = false): Fragment {
  return { shows, script, readsPayload } as Fragment;
}

/** The fragments of one step within a trip. */
export interface Segment<StepName extends string> {
  readonly step: StepName;
  readonly fragments: readonly Fragment[];
  /** The step goes on after this trip. */
  readonly goesOn?: boolean;
}

/**
 * One script out of the fragments of several steps: they go to the device as one round trip and stop at the
 * first failure. Marks with the trip's nonce tell where each begins and how it ended; all else is output.
 */
export function composeTrip<StepName extends string>(
  title: string,
  nonce: string,
  segments: readonly Segment<StepName>[],
): DeviceCommand {
  const lines = [
    'LC_ALL=C; export LC_ALL',
    'PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH',
    `R="\${MUSTER_DEVICE_ROOT-}"; export R`,
    'umask 022',
  ];
  for (const { step, fragments, goesOn } of segments) {
    lines.push(`printf '@${nonce} step %s\\n' ${shellQuote(step)}`);
    for (const fragment of fragments) {
      const input = fragment.readsPayload ? '' : ' </dev/null';
      lines.push(
        `printf '@${nonce} run %s\\n' ${shellQuote(fragment.shows)}`,
        `( set -eu\n${fragment.script}\n)${input} 2>&1`,
        `s=$?; printf '\\n@${nonce} exit %s\\n' "$s"; [ "$s" -eq 0 ] || exit "$s"`,
      );
    }
    if (goesOn !== true) lines.push(`printf '@${nonce} finished %s\\n' ${shellQuote(step)}`);
  }
  return defineCommand(title, `${lines.join('\n')}\n`, { asRoot: true });
}

/** What one line of a trip's output means. */
export type TripLine =
  | { readonly kind: 'step'; readonly step: string }
  | { readonly kind: 'run'; readonly shows: string }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'finished'; readonly step: string }
  | { readonly kind: 'output'; readonly text: string };

/** Reads one line of a trip's output. Marks with another nonce are output like any other text. */
export function parseTripLine(line: string, nonce: string): TripLine {
  const match = /^@(\S+) (step|run|exit|finished) (.*)$/s.exec(line);
  if (match?.[1] === nonce) {
    const rest = match[3] ?? '';
    if (match[2] === 'step') return { kind: 'step', step: rest };
    if (match[2] === 'run') return { kind: 'run', shows: rest };
    if (match[2] === 'finished') return { kind: 'finished', step: rest };
    if (/^\d{1,3}$/.test(rest)) return { kind: 'exit', status: Number(rest) };
  }
  return { kind: 'output', text: line };
}
