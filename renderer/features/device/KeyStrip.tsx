import type { EnrollmentRow, MachineKeyView } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { DecommissionButton } from './Decommission.tsx';
import { type Leaving, leavingLooks, leavingOf } from './decommission-words.ts';
import { detailWords, keyLevelLooks, keyOfDevice, keyWords } from './key-words.ts';
import { RotateKeysButton } from './RotateKeys.tsx';

/** The machine key of one device and what can be done with it, in one line. */
export function KeyStrip({ row }: { readonly row: EnrollmentRow }) {
  const now = useNow();
  const keys = useStation((station) => station.keys);
  const key = keyOfDevice(row, keys);
  const leaving = useStation((station) => leavingOf(station, row.deviceId));
  return (
    <section
      aria-label="Machine key"
      className="flex h-[42px] shrink-0 items-center gap-2.5 border-b border-line-2 pl-5 pr-3"
    >
      <h2 className="text-xs font-semibold">Key</h2>
      <p
        className="flex min-w-0 flex-1 items-center gap-2 text-xs"
        title={leaving === undefined ? keyWords(key, now).full : undefined}
      >
        {leaving === undefined ? <KeyState view={key} now={now} /> : <LeavingState leaving={leaving} />}
      </p>
      <RotateKeysButton deviceIds={[row.deviceId]} label="Rotate key…" />
      <span data-decommission className="contents">
        <DecommissionButton deviceId={row.deviceId} />
      </span>
    </section>
  );
}

function LeavingState({ leaving }: { readonly leaving: Leaving }) {
  const { shape, colour, word } = leavingLooks[leaving];
  return (
    <>
      <StateGlyph shape={shape} />
      <span className={colour}>{word}</span>
    </>
  );
}

function KeyState({ view, now }: { readonly view: MachineKeyView | undefined; readonly now: number }) {
  if (view === undefined) return <span className="truncate text-ink-3">Known once the device has one</span>;
  const { level, says, full } = keyWords(view, now);
  const { shape, colour } = keyLevelLooks[level];
  const details = view.standing === 'registered' ? detailWords(view, now) : [];
  return (
    <>
      {shape === undefined ? null : <StateGlyph shape={shape} />}
      <span className={`shrink-0 ${colour}`} aria-hidden="true">
        {says}
      </span>
      <span className="min-w-0 truncate text-ink-2" aria-hidden="true">
        {details.join(', ')}
      </span>
      <span className="visually-hidden">{full}</span>
    </>
  );
}
