import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Heartbeat } from '#shared/model/station-state.ts';
import { goTo } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatAge, formatBytes, formatTimeOfDay } from '../../lib/format.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { openDevice } from '../board/board-view.ts';
import { DecommissionButton } from '../device/Decommission.tsx';
import { type Leaving, leavingOf } from '../device/decommission-words.ts';
import { RotateKeysButton } from '../device/RotateKeys.tsx';
import { fleetWords } from './fleet-rows.ts';
import { setFleetView, useFleetView } from './fleet-view.ts';
import { EXPECTED_EVERY_MS, livenessOf } from './heartbeat-age.ts';
import { PanelKey } from './PanelKey.tsx';
import { PanelLeaving } from './PanelLeaving.tsx';

/** The selected device: what its newest heartbeat says, its key, and what can be done with it. */
export function FleetPanel() {
  const selected = useFleetView((view) => view.selected);
  const heartbeat = useStation((station) => (selected === undefined ? undefined : station.fleet[selected]));
  const leaving = useStation((station) =>
    selected === undefined ? undefined : leavingOf(station, selected),
  );
  return (
    <aside data-region="panel" aria-label="Device" className="flex h-full min-h-0 flex-col bg-panel">
      {selected === undefined || (heartbeat === undefined && leaving === undefined) ? (
        <p className="px-4 py-3 text-xs text-ink-2">Select a device to see its last heartbeat and its key.</p>
      ) : (
        <Device key={selected} deviceId={selected} heartbeat={heartbeat} leaving={leaving} />
      )}
    </aside>
  );
}

interface DeviceProps {
  readonly deviceId: string;
  readonly heartbeat: Heartbeat | undefined;
  readonly leaving: Leaving | undefined;
}

function Device({ deviceId, heartbeat, leaving }: DeviceProps) {
  const now = useNow();
  const { word, shape, colour } =
    fleetWords[leaving ?? (heartbeat === undefined ? 'offline' : livenessOf(heartbeat, now))];
  return (
    <>
      <h2 className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-2.5 border-b border-line-2 pl-4 pr-2">
        <StateGlyph shape={shape} />
        <span className="mono truncate text-[14px] font-medium" title={deviceId}>
          {deviceId}
        </span>
        <span className={`whitespace-nowrap text-sm font-normal ${colour}`}>{word}</span>
        <IconButton
          label="Close"
          icon={<X size={16} strokeWidth={1.7} aria-hidden="true" />}
          className="ml-auto"
          onClick={() => setFleetView({ selected: undefined })}
        />
      </h2>
      <div className="scroll min-h-0 flex-1">
        {heartbeat === undefined ? null : <Age heartbeat={heartbeat} now={now} />}
        <div className="border-b border-line-2 px-4 pb-3.5 pt-2.5">
          {leaving === undefined ? (
            <PanelKey deviceId={deviceId} now={now} />
          ) : (
            <PanelLeaving deviceId={deviceId} leaving={leaving} />
          )}
          {/* One button for both, in one place: the box it has opened outlives the change from key to decommission. */}
          <div className="mt-2.5 flex gap-2">
            {leaving === undefined ? <RotateKeysButton deviceIds={[deviceId]} label="Rotate key…" /> : null}
            <span data-decommission className="contents">
              <DecommissionButton deviceId={deviceId} kind={leaving === undefined ? 'quiet' : 'plain'} />
            </span>
          </div>
        </div>
        {heartbeat === undefined ? null : <Details heartbeat={heartbeat} now={now} />}
      </div>
    </>
  );
}

function Age({ heartbeat, now }: { readonly heartbeat: Heartbeat; readonly now: number }) {
  const hasRow = useStation((station) => station.rows[heartbeat.deviceId] !== undefined);
  return (
    <div className="border-b border-line-2 px-4 pb-3.5 pt-3">
      <p className="flex items-baseline gap-2.5">
        <span className="text-[30px] font-medium leading-9">{formatAge(now - heartbeat.receivedAt)}</span>
        <span className="text-sm text-ink-2">since the last heartbeat</span>
      </p>
      <p className="mt-1 text-xs text-ink-2">
        {`at ${formatTimeOfDay(heartbeat.receivedAt)}, expected every ${EXPECTED_EVERY_MS / 1000} s`}
      </p>
      {hasRow ? (
        <div className="mt-3">
          <Button
            onClick={() => {
              goTo('board');
              openDevice(heartbeat.deviceId);
            }}
          >
            Open its enrollment
          </Button>
        </div>
      ) : null}
    </div>
  );
}

function Details({ heartbeat, now }: { readonly heartbeat: Heartbeat; readonly now: number }) {
  const labels = Object.entries(heartbeat.labels);
  return (
    <dl className="selectable grid grid-cols-[104px_minmax(0,1fr)] gap-y-2 px-4 py-3.5 text-xs">
      <Detail name="Host name">{heartbeat.hostname}</Detail>
      <Detail name="System">{heartbeat.os}</Detail>
      <Detail name="Architecture">{heartbeat.architecture}</Detail>
      <Detail name="Agent">{heartbeat.agentVersion}</Detail>
      <Detail name="Agent runs for">
        {heartbeat.startedAt === undefined ? undefined : formatAge(now - heartbeat.startedAt)}
      </Detail>
      <Detail name="Device runs for">
        {heartbeat.uptimeSeconds === undefined ? undefined : formatAge(heartbeat.uptimeSeconds * 1000)}
      </Detail>
      <Detail name="Load">{heartbeat.load1?.toFixed(2)}</Detail>
      <Detail name="Free memory">
        {heartbeat.memoryFreeBytes === undefined ? undefined : formatBytes(heartbeat.memoryFreeBytes)}
      </Detail>
      <Detail name="Key" mono>
        {heartbeat.keyId}
      </Detail>
      <Detail name="Addresses" mono>
        {heartbeat.addresses.join('\n')}
      </Detail>
      <dt className="text-ink-2">Labels</dt>
      <dd className="flex flex-wrap gap-1.5">
        {labels.map(([name, value]) => (
          <span key={name} className="label-chip mono" title={`${name}=${value}`}>
            {name}={value}
          </span>
        ))}
      </dd>
    </dl>
  );
}

function Detail({
  name,
  mono = false,
  children,
}: {
  readonly name: string;
  readonly mono?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <>
      <dt className="text-ink-2">{name}</dt>
      <dd className={`min-h-4 whitespace-pre-wrap break-all leading-4 ${mono ? 'mono' : ''}`}>{children}</dd>
    </>
  );
}
