import type { DecommissionFinding, DecommissionView, StationState } from '#shared/model/station-state.ts';
import type { GlyphShape } from '../../ui/StateGlyph.tsx';

type What = DecommissionFinding['what'];

/** In the order in which they are done: what can sign in goes first. */
export const decommissionParts = [
  'keys',
  'account',
  'device',
  'entry',
  'records',
] as const satisfies readonly What[];

export const partTitles: Readonly<Record<What, string>> = {
  keys: 'Keys',
  account: 'Account and grant',
  device: 'Agent on the device',
  entry: 'Heartbeat entry',
  records: 'Journal of this station',
};

export interface PartLine {
  readonly what: What;
  readonly shape: GlyphShape;
  readonly word: string;
  readonly text: string;
  readonly error: DecommissionFinding['error'];
}

const findingLooks: Readonly<Record<DecommissionFinding['state'], { shape: GlyphShape; word: string }>> = {
  deleted: { shape: 'tick', word: 'removed' },
  gone: { shape: 'bars', word: 'already gone' },
  kept: { shape: 'chevrons', word: 'left as it is' },
  failed: { shape: 'octagon', word: 'not done' },
};

/** Every part of a decommission and how it stands. Pure. */
export function partLines(view: DecommissionView): PartLine[] {
  let isNext = true;
  return decommissionParts.map((what): PartLine => {
    const finding = view.findings.findLast((one) => one.what === what);
    if (finding !== undefined) {
      const { shape, word } = findingLooks[finding.state];
      return { what, shape, word, text: finding.text, error: finding.error };
    }
    const isNow = isNext && view.state === 'running';
    isNext = false;
    if (isNow) return { what, shape: 'ring', word: 'now', text: '', error: undefined };
    const word = view.state === 'running' ? 'waiting' : 'not begun';
    return { what, shape: 'circle', word, text: '', error: undefined };
  });
}

/** The error to act on: what ended the run, else that of the part that failed. Pure. */
export function decommissionError(view: DecommissionView): DecommissionView['error'] {
  return view.error ?? view.findings.find((finding) => finding.state === 'failed')?.error;
}

/** How a decommission stands, in one sentence. Pure. */
export function decommissionSays(view: DecommissionView): string {
  const { deviceId } = view;
  if (view.state === 'running' && view.awaitsSignIn === true)
    return `${deviceId} waits for a sign-in. Sign in again, and it goes on.`;
  if (view.state === 'running') return `${deviceId} is being taken out of the fleet.`;
  if (view.state === 'done') return `${deviceId} is out of the fleet.`;
  const left = partLines(view).filter(({ shape }) => shape === 'octagon' || shape === 'circle');
  const names = left.map(({ what }) => partTitles[what].toLowerCase()).join(', ');
  return `Left: ${names}. The same again goes on with what is left.`;
}

/** What a decommission has made of a device. `reports`: it is out of the fleet, and its agent goes on reporting. */
export type Leaving = 'leaving' | 'incomplete' | 'reports' | 'left';

/**
 * What a device is after its decommission; undefined where it never was decommissioned since the station started, or has
 * been enrolled again. Pure.
 */
export function leavingOf(
  { decommissions, rows, keys, fleet }: Pick<StationState, 'decommissions' | 'rows' | 'keys' | 'fleet'>,
  deviceId: string,
): Leaving | undefined {
  const view = decommissions?.[deviceId];
  if (view === undefined) return undefined;
  if (view.state === 'running') return 'leaving';
  const ended = view.finishedAt ?? view.startedAt;
  const row = rows[deviceId];
  const key = keys?.[deviceId];
  if (row?.state === 'enrolled' && (row.finishedAt ?? 0) > ended) return undefined;
  if (key?.standing === 'registered' && key.askedAt > ended) return undefined;
  if (view.state === 'failed') return 'incomplete';
  return (fleet[deviceId]?.receivedAt ?? 0) > ended ? 'reports' : 'left';
}

export const leavingLooks: Readonly<
  Record<Leaving, { readonly word: string; readonly shape: GlyphShape; readonly colour: string }>
> = {
  incomplete: { word: 'Incomplete', shape: 'triangle', colour: 'text-attn-fg' },
  reports: { word: 'Still reports', shape: 'triangle', colour: 'text-attn-fg' },
  leaving: { word: 'Leaving', shape: 'ring', colour: 'text-run-fg' },
  left: { word: 'Decommissioned', shape: 'chevrons', colour: 'text-ink-3' },
};
