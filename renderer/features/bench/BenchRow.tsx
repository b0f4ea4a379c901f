import { memo } from 'react';
import type { BenchDevice } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { stationNow, useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatAge } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { CheckMark } from '../../ui/CheckMark.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { choosable, foundState, foundWords, problemWord, systemOf } from './bench-rows.ts';
import { choose, setBenchView } from './bench-view.ts';
import { DeviceIdCell } from './DeviceIdCell.tsx';
import { suggestDeviceId } from './suggest-id.ts';

interface BenchRowProps {
  readonly device: BenchDevice;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly chosen: boolean;
  readonly selected: boolean;
  readonly editing: boolean;
}

/** A device on the bench. A problem makes the row taller: the sentence and the button that helps stand in it. */
export const BenchRow = memo(function BenchRow(props: BenchRowProps) {
  const { device, index, top, height, chosen, selected, editing } = props;
  const row = useStation((station) => station.rows[device.deviceId]);
  const heartbeat = useStation((station) => station.fleet[device.deviceId]);
  const state = foundState(device);
  const { word, shape, colour } = foundWords[state];
  const problem = state === 'unnamed' ? undefined : device.problem;
  const quiet = state === 'enrolled' ? 'text-ink-3' : '';
  const tone = problem === undefined ? '' : 'bg-fail-bg/45';
  return (
    <div
      role="row"
      tabIndex={-1}
      id={`bench-${device.rowId}`}
      aria-rowindex={index + 2}
      aria-selected={selected}
      className={`grid-row bench-columns ${quiet} ${tone} ${editing ? '!overflow-visible z-10 !contain-none' : ''}`}
      style={{ transform: `translateY(${top}px)`, height }}
      onClick={() => setBenchView({ selected: device.rowId })}
      onDoubleClick={() => setBenchView({ editing: device.rowId })}
    >
      <div role="gridcell" className="flex items-center justify-center pl-2">
        <CheckMark
          state={chosen ? 'on' : 'off'}
          disabled={!choosable(device)}
          label={`Enroll ${device.deviceId || device.address}`}
          onToggle={() => choose([device.rowId], !chosen)}
        />
      </div>
      <div role="gridcell" className={`cell bench-line ${editing ? '!overflow-visible' : ''}`}>
        <DeviceIdCell device={device} editing={editing} />
      </div>
      <div role="gridcell" className={`cell cell-flex bench-line gap-2 ${quiet || colour}`}>
        <StateGlyph shape={shape} />
        {problem === undefined ? word : problemWord(device)}
      </div>
      <div role="gridcell" className={`mono cell bench-line ${quiet || 'text-ink-2'}`} title={device.target}>
        {device.address}
      </div>
      <div role="gridcell" className={`cell bench-line ${quiet || 'text-ink-2'}`}>
        {systemOf(row, heartbeat)}
      </div>
      <div role="gridcell" className="cell bench-line pr-3 text-right text-ink-2">
        <Note
          device={device}
          heartbeatAt={heartbeat?.receivedAt}
          failed={row?.state === 'failed' ? row.error?.title : undefined}
        />
      </div>
      {problem === undefined ? null : <Problem device={device} says={problem.says} />}
    </div>
  );
});

function Note({
  device,
  heartbeatAt,
  failed,
}: {
  readonly device: BenchDevice;
  readonly heartbeatAt: number | undefined;
  readonly failed: string | undefined;
}) {
  if (device.problem !== undefined && device.deviceId !== '') return null;
  if (failed !== undefined) return failed;
  if (device.lastState === 'awaiting-sign-in') return 'waits for a sign-in';
  if (device.lastState === 'decommissioned') return heartbeatAt === undefined ? null : 'still reports';
  if (heartbeatAt !== undefined) return <HeartbeatAge at={heartbeatAt} />;
  return device.lastState === undefined ? null : <span>{`${device.lastState} last time`}</span>;
}

function HeartbeatAge({ at }: { readonly at: number }) {
  return <span>{`heartbeat ${formatAge(useNow() - at)} ago`}</span>;
}

function Problem({ device, says }: { readonly device: BenchDevice; readonly says: string }) {
  const taken = new Set(stationNow().bench.map((other) => other.deviceId));
  const better =
    device.problem?.code === 'DEVICE_ID_INVALID' ? suggestDeviceId(device.deviceId, taken) : undefined;
  return (
    <>
      <p className="absolute left-[48px] right-[190px] top-[23px] truncate text-xs text-ink-1" title={says}>
        {says}
      </p>
      <div className="absolute right-3 top-[9px]">
        {better === undefined ? (
          <Button
            size="small"
            onClick={() => setBenchView({ selected: device.rowId, editing: device.rowId })}
          >
            Edit the id
          </Button>
        ) : (
          <Button
            size="small"
            onClick={() => void act('bench.rename', { rowId: device.rowId, deviceId: better })}
          >
            {`Use ${better}`}
          </Button>
        )}
      </div>
    </>
  );
}
