import { memo } from 'react';
import type { MachineKeyView } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatAge } from '../../lib/format.ts';
import { CheckMark } from '../../ui/CheckMark.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { leavingOf } from '../device/decommission-words.ts';
import { keyLevelLooks, keyWords } from '../device/key-words.ts';
import { fleetWords } from './fleet-rows.ts';
import { chooseDevices, openFleetDevice } from './fleet-view.ts';
import { livenessOf } from './heartbeat-age.ts';

interface FleetRowProps {
  readonly deviceId: string;
  readonly index: number;
  readonly top: number;
  readonly selected: boolean;
  readonly chosen: boolean;
  readonly choosable: boolean;
  readonly endsGroup: boolean;
}

/** One device of the fleet. */
export const FleetRowView = memo(function FleetRowView(props: FleetRowProps) {
  const { deviceId, index, top, selected, chosen, choosable, endsGroup } = props;
  const heartbeat = useStation((station) => station.fleet[deviceId]);
  const key = useStation((station) => station.keys?.[deviceId]);
  const leaving = useStation((station) => leavingOf(station, deviceId));
  const now = useNow();
  const state = leaving ?? (heartbeat === undefined ? undefined : livenessOf(heartbeat, now));
  if (state === undefined) return null;
  const { word, shape, colour } = fleetWords[state];
  const calm = state === 'online' || state === 'left' || state === 'leaving';
  const quiet = state === 'left' ? 'text-ink-3' : '';
  return (
    <div
      role="row"
      tabIndex={-1}
      id={`fleet-${deviceId}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-group-end={endsGroup || undefined}
      className="grid-row fleet-columns"
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => openFleetDevice(deviceId)}
    >
      <div role="gridcell" className="flex items-center justify-center pl-2">
        <StateGlyph shape={shape} />
      </div>
      <div role="gridcell" className="flex items-center justify-center">
        <CheckMark
          state={chosen && choosable ? 'on' : 'off'}
          disabled={!choosable}
          label={`Choose ${deviceId}`}
          onToggle={() => chooseDevices([deviceId], !chosen)}
        />
      </div>
      <div role="gridcell" className={`mono cell font-medium ${quiet}`} title={deviceId}>
        {deviceId}
      </div>
      <div role="gridcell" className={`cell ${colour} ${calm ? '' : 'font-medium'}`}>
        {word}
      </div>
      <div role="gridcell" className={`cell text-right ${calm ? 'text-ink-2' : 'font-semibold text-ink-1'}`}>
        {heartbeat === undefined ? '' : formatAge(now - heartbeat.receivedAt)}
      </div>
      <KeyCell view={leaving === undefined ? key : undefined} now={now} />
      <div role="gridcell" className="cell cell-flex gap-1.5">
        {Object.entries(heartbeat?.labels ?? {}).map(([name, value]) => (
          <span key={name} className="label-chip mono" title={`${name}=${value}`}>
            {name}={value}
          </span>
        ))}
      </div>
      <div role="gridcell" className="cell text-ink-2">
        {heartbeat?.agentVersion ?? ''}
      </div>
      <div role="gridcell" className="cell text-ink-2">
        {heartbeat?.os ?? ''}
      </div>
      <div
        role="gridcell"
        className="mono cell pr-3 text-right text-ink-2"
        title={heartbeat?.addresses.join(', ')}
      >
        {heartbeat?.addresses[0] ?? ''}
      </div>
    </div>
  );
});

/** When the key ends; empty where it was not looked up. The exact date is in the tooltip and is what is read out. */
function KeyCell({ view, now }: { readonly view: MachineKeyView | undefined; readonly now: number }) {
  if (view === undefined) return <div role="gridcell" className="cell" />;
  const { level, short, full } = keyWords(view, now);
  const { shape, colour } = keyLevelLooks[level];
  return (
    <div role="gridcell" className="cell cell-flex gap-1.5 pl-3.5" title={full} data-key-level={level}>
      <span className="flex w-3 shrink-0">{shape === undefined ? null : <StateGlyph shape={shape} />}</span>
      <span className={`min-w-0 truncate ${colour}`} aria-hidden="true">
        {short}
      </span>
      <span className="visually-hidden">{full}</span>
    </div>
  );
}
