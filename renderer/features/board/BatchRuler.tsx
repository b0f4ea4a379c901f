import { memo, useRef } from 'react';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { openDevice, setBoardView, useBoardView } from './board-view.ts';
import { rowProgress, rowWords } from './row-words.ts';

/** Above this many devices the ticks carry no numbers; above the next the ruler has two rows. */
const MOST_NUMBERED = 96;
const MOST_IN_ONE_ROW = 240;

/** One tick per device of the batch in bench order; it is never sorted. */
export function BatchRuler({ rows }: { readonly rows: readonly EnrollmentRow[] }) {
  const selected = useBoardView((view) => view.selected);
  const box = useRef<HTMLDivElement>(null);
  const perRow = rows.length > MOST_IN_ONE_ROW ? Math.ceil(rows.length / 2) : Math.max(rows.length, 1);
  const numbered = rows.length <= MOST_NUMBERED;
  const place = rows.findIndex((row) => row.deviceId === selected);
  const select = (index: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (row !== undefined) setBoardView({ selected: row.deviceId });
  };
  return (
    <div
      ref={box}
      role="listbox"
      tabIndex={0}
      aria-label="Devices in bench order"
      aria-activedescendant={place >= 0 ? `tick-${selected}` : undefined}
      className="grid gap-y-0.5 rounded-1"
      style={{
        gridTemplateColumns: `repeat(${perRow}, minmax(0, ${rows.length <= 24 ? '48px' : '1fr'}))`,
        columnGap: numbered ? 3 : 1,
      }}
      onKeyDown={(event) => {
        const steps: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };
        const step = steps[event.key];
        if (step !== undefined) select(place + step);
        else if (event.key === 'Enter' && selected !== undefined) openDevice(selected);
        else return;
        event.preventDefault();
      }}
    >
      {rows.map((row) => (
        <Tick
          key={row.deviceId}
          deviceId={row.deviceId}
          position={row.position}
          digits={rows.length > 99 ? 3 : 2}
          state={row.state}
          share={row.state === 'running' ? Math.round(rowProgress(row) * 20) / 20 : 0}
          numbered={numbered}
          selected={row.deviceId === selected}
        />
      ))}
    </div>
  );
}

interface TickProps {
  readonly deviceId: string;
  readonly position: number;
  readonly digits: number;
  readonly state: EnrollmentRow['state'];
  /** Of a running device, 0 to 1 in steps of a twentieth. */
  readonly share: number;
  readonly numbered: boolean;
  readonly selected: boolean;
}

const looks: Readonly<Record<EnrollmentRow['state'], string>> = {
  waiting: 'border-wait-line text-wait-fg',
  running: 'border-run-fg text-ink-1',
  'awaiting-sign-in': 'border-attn-line bg-attn-bg text-attn-fg font-semibold',
  enrolled: 'border-done-line bg-done-bg text-done-fg',
  failed: 'border-fail-solid bg-fail-solid text-on-fail font-semibold',
  stopped: 'border-wait-line text-wait-fg opacity-70',
};

const Tick = memo(function Tick({ deviceId, position, digits, state, share, numbered, selected }: TickProps) {
  return (
    <div
      role="option"
      id={`tick-${deviceId}`}
      tabIndex={-1}
      aria-selected={selected}
      aria-label={`${deviceId}, ${rowWords[state].word}`}
      title={`${deviceId}, ${rowWords[state].word}`}
      data-state={state}
      onClick={() => setBoardView({ selected: deviceId })}
      onDoubleClick={() => openDevice(deviceId)}
      className={`tick forced-mark caption relative flex h-[19px] items-center justify-center overflow-hidden rounded-1 border text-2xs font-medium leading-none ${looks[state]} ${selected ? 'outline-2 outline-offset-1 outline-focus' : ''}`}
    >
      {state === 'running' ? (
        <span
          aria-hidden="true"
          className="absolute inset-y-0 left-0 bg-run-line opacity-75"
          style={{ width: `${share * 100}%` }}
        />
      ) : null}
      {numbered ? (
        <span className="relative flex items-center gap-px">
          <span className={state === 'failed' ? 'tick-failed-number' : undefined}>
            {String(position).padStart(digits, '0')}
          </span>
          {state === 'failed' ? <Cross /> : null}
        </span>
      ) : null}
    </div>
  );
});

function Cross() {
  return (
    <svg width="7" height="7" viewBox="0 0 7 7" aria-hidden="true">
      <path d="M1 1l5 5M6 1 1 6" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" />
    </svg>
  );
}
