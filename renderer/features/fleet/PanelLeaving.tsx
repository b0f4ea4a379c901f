import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatMoment } from '../../lib/format.ts';
import { DecommissionProgress } from '../device/DecommissionProgress.tsx';
import { decommissionError, decommissionSays, type Leaving } from '../device/decommission-words.ts';

/** How the decommission of the selected device stands, and what is left. */
export function PanelLeaving({
  deviceId,
  leaving,
}: {
  readonly deviceId: string;
  readonly leaving: Leaving;
}) {
  const now = useNow();
  const view = useStation((station) => station.decommissions?.[deviceId]);
  if (view === undefined) return null;
  const error = view.state === 'failed' ? decommissionError(view) : undefined;
  return (
    <section aria-label="Decommission">
      <h3 className="flex items-baseline gap-2 text-xs font-semibold leading-5">
        Decommission
        <span className="font-normal text-ink-2">
          {view.finishedAt === undefined
            ? `since ${formatMoment(view.startedAt, now)}`
            : `ended ${formatMoment(view.finishedAt, now)}`}
        </span>
      </h3>
      <div className="mt-1.5">
        <DecommissionProgress view={view} />
      </div>
      <p className="mt-2.5 text-sm leading-[18px] text-ink-1">
        {leaving === 'reports'
          ? 'Its agent reports on with a token it still holds, or it was enrolled elsewhere. Decommission it again with the address of the device to take the agent off.'
          : decommissionSays(view)}
      </p>
      {error === undefined ? null : (
        <p className="selectable mt-1.5 text-xs leading-[17px] text-ink-2 [overflow-wrap:anywhere]">
          {`${error.says} ${error.operatorDoes}`} <span className="mono text-fail-fg">{error.code}</span>
        </p>
      )}
    </section>
  );
}
