import { useEffect, useRef, useState } from 'react';
import { parseDeviceId } from '#shared/model/device-id.ts';
import type { BenchDevice } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { setBenchView } from './bench-view.ts';

/** The id in a row: a wavy mark under what is wrong, and a field in its place while it is edited. */
export function DeviceIdCell({
  device,
  editing,
}: {
  readonly device: BenchDevice;
  readonly editing: boolean;
}) {
  if (editing) return <IdEditor device={device} />;
  if (device.deviceId === '') return <span className="mono text-ink-3">not named</span>;
  const wrongId =
    device.problem?.code === 'DEVICE_ID_INVALID' || device.problem?.code === 'DEVICE_ID_DUPLICATE';
  return (
    <span
      className={`mono font-medium ${wrongId ? 'wavy' : ''}`}
      title={`${device.deviceId}\nDouble-click or Enter to edit`}
    >
      {device.deviceId}
    </span>
  );
}

function IdEditor({ device }: { readonly device: BenchDevice }) {
  const [text, setText] = useState(device.deviceId);
  const input = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  const parsed = parseDeviceId(text);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const leave = (save: boolean) => {
    if (done.current) return;
    done.current = true;
    setBenchView({ editing: undefined });
    document.querySelector<HTMLElement>('[role="grid"]')?.focus();
    if (save && text !== device.deviceId) void act('bench.rename', { rowId: device.rowId, deviceId: text });
  };
  return (
    <span className="relative block w-full">
      <input
        ref={input}
        value={text}
        aria-label="Device id"
        aria-invalid={!parsed.ok}
        aria-describedby={parsed.ok ? undefined : `why-${device.rowId}`}
        spellCheck={false}
        autoComplete="off"
        data-testid="id-editor"
        className={`mono selectable h-[22px] w-full rounded-1 border bg-raised px-1 text-xs text-ink-1 outline-none ${parsed.ok ? 'border-focus' : 'border-fail-solid'}`}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => leave(parsed.ok)}
        onClick={(event) => event.stopPropagation()}
        onKeyDown={(event) => {
          if (event.ctrlKey) return;
          event.stopPropagation();
          if (event.key === 'Enter' && parsed.ok) leave(true);
          if (event.key === 'Escape') leave(false);
        }}
      />
      {parsed.ok ? null : (
        <>
          <span
            aria-hidden="true"
            className="mono wavy pointer-events-none absolute left-[5px] top-[3px] whitespace-pre text-xs text-transparent no-underline"
          >
            {' '.repeat(Math.max(0, parsed.problem.position - 1))}
            <span className="wavy">&nbsp;</span>
          </span>
          <span
            id={`why-${device.rowId}`}
            role="alert"
            className="absolute left-0 top-[25px] z-10 whitespace-nowrap rounded-2 border border-fail-line bg-fail-bg px-2 py-1 text-xs text-ink-1"
          >
            {parsed.problem.says}
          </span>
        </>
      )}
    </span>
  );
}
