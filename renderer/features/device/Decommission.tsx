import { CircleStop, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { DecommissionView } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { Button, ReasonedButton } from '../../ui/Button.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { Advice } from '../../ui/ErrorNote.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { whyNoDecommission } from './act-reasons.ts';
import { DecommissionForm } from './DecommissionForm.tsx';
import { DecommissionProgress } from './DecommissionProgress.tsx';
import { decommissionError, decommissionSays, leavingOf } from './decommission-words.ts';

/**
 * Takes a device out of the fleet: asks for its id first, then shows how it goes. Closing the box does not end it; the device
 * tells in the Fleet how it stands.
 */
export function DecommissionButton({
  deviceId,
  kind = 'quiet',
}: {
  readonly deviceId: string;
  readonly kind?: 'quiet' | 'plain';
}) {
  const [opened, setOpened] = useState<string | undefined>(undefined);
  const reason = useStation((station) => whyNoDecommission(station, deviceId));
  const leaving = useStation((station) => leavingOf(station, deviceId));
  const runs = leaving === 'leaving';
  const word = leaving === undefined ? 'Decommission…' : runs ? 'Show how it goes' : 'Decommission again…';
  return (
    <>
      <ReasonedButton
        kind={kind}
        reason={runs ? '' : reason}
        icon={<Trash2 size={14} strokeWidth={1.7} aria-hidden="true" />}
        onClick={() => setOpened(deviceId)}
      >
        {leaving === 'incomplete' ? 'Go on…' : word}
      </ReasonedButton>
      <DialogBox
        open={opened !== undefined}
        onClose={() => setOpened(undefined)}
        title={`Decommission ${opened ?? deviceId}`}
        width={560}
        tall
        finalFocus={giveFocusBack}
      >
        {opened === undefined ? null : <Steps deviceId={opened} onClose={() => setOpened(undefined)} />}
      </DialogBox>
    </>
  );
}

/** The button that opened the box may be gone with its device; then the table takes the focus. */
function giveFocusBack(): HTMLElement | null {
  const buttons = document.querySelectorAll<HTMLElement>('[data-decommission] button');
  return buttons[buttons.length - 1] ?? document.querySelector<HTMLElement>('[role="grid"]');
}

/** The question, then the run, then what is left. */
function Steps({ deviceId, onClose }: { readonly deviceId: string; readonly onClose: () => void }) {
  const view = useStation((station) => station.decommissions?.[deviceId]);
  const leaving = useStation((station) => leavingOf(station, deviceId));
  const [asks, setAsks] = useState(leaving === undefined || leaving === 'left' || leaving === 'reports');
  if (asks || view === undefined)
    return (
      <DecommissionForm
        deviceId={deviceId}
        earlier={undefined}
        onBegun={() => setAsks(false)}
        onClose={onClose}
      />
    );
  return <Run view={view} onClose={onClose} />;
}

/** What is done stays done; the box then offers to go on with what is left. */
function StopButton({ deviceId }: { readonly deviceId: string }) {
  const [stopping, setStopping] = useState(false);
  const stop = async () => {
    setStopping(true);
    const isAsked = await act('device.stopDecommission', { deviceId });
    if (!isAsked) setStopping(false);
  };
  return (
    <Button
      kind="quiet"
      disabled={stopping}
      icon={<CircleStop size={14} strokeWidth={1.7} aria-hidden="true" />}
      onClick={() => void stop()}
    >
      {stopping ? 'Stopping' : 'Stop'}
    </Button>
  );
}

function Run({ view, onClose }: { readonly view: DecommissionView; readonly onClose: () => void }) {
  const error = decommissionError(view);
  const runs = view.state === 'running';
  return (
    <div data-testid="decommission-run">
      <DecommissionProgress view={view} />
      <div className="mt-2.5 flex min-h-[19px] gap-2.5">
        <StateGlyph
          shape={runs ? 'ring' : view.state === 'done' ? 'tick' : 'triangle'}
          className="mt-[3px]"
        />
        <p className="text-sm leading-[19px] text-ink-1">{decommissionSays(view)}</p>
      </div>
      {view.state !== 'failed' ? (
        <div className="mt-3 flex justify-end gap-2">
          {runs ? <StopButton key={view.startedAt} deviceId={view.deviceId} /> : null}
          <Button {...(runs ? {} : { kind: 'primary' as const, 'data-primary': true })} onClick={onClose}>
            {runs ? 'Close, it goes on' : 'Close'}
          </Button>
        </div>
      ) : (
        <>
          {error === undefined ? null : (
            <div className="selectable mt-2 border-l-[3px] border-fail-solid bg-fail-bg/70 px-3.5 py-2.5">
              <p className="flex items-baseline gap-3">
                <span className="min-w-0 text-sm font-semibold [overflow-wrap:anywhere]">{error.says}</span>
                <span className="mono ml-auto text-xs text-fail-fg">{error.code}</span>
              </p>
              <div className="mt-2 grid grid-cols-2 gap-x-6">
                <Advice title="Likely cause" text={error.cause} />
                <Advice title="What to do" text={error.operatorDoes} />
              </div>
            </div>
          )}
          <DecommissionForm
            deviceId={view.deviceId}
            earlier={view}
            onBegun={() => undefined}
            onClose={onClose}
          />
        </>
      )}
    </div>
  );
}
