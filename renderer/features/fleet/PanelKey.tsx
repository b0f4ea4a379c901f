import { useEffect } from 'react';
import { call } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { formatDate } from '../../lib/format.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { detailWords, keyLevelLooks, keyWords, otherWords } from '../device/key-words.ts';

/** The machine key of the selected device. Looking at a device asks the provider for it. */
export function PanelKey({ deviceId, now }: { readonly deviceId: string; readonly now: number }) {
  const key = useStation((station) => station.keys?.[deviceId]);
  const signedIn = useStation((station) => station.session.state === 'signed-in');
  const error = useStation((station) =>
    station.keyLookUp?.state === 'failed' ? station.keyLookUp.error : undefined,
  );
  const isKnown = key !== undefined;
  useEffect(() => {
    // What fails is in the state, beside the figures of the whole fleet.
    if (signedIn && !isKnown) void call('fleet.lookUpKeys', { deviceIds: [deviceId] });
  }, [deviceId, isKnown, signedIn]);
  const { level, says, full } = keyWords(key, now);
  const { shape, colour } = keyLevelLooks[level];
  const more =
    key?.standing === 'registered'
      ? [...detailWords(key, now), ...otherWords(key.others)]
      : key === undefined
        ? []
        : [full];
  const unknown = signedIn ? (error?.says ?? 'Asking the provider') : 'Known after the sign-in';
  return (
    <section aria-label="Machine key">
      <h3 className="text-xs font-semibold leading-5">Machine key</h3>
      <div className="min-h-[55px]" title={key === undefined ? undefined : full}>
        <p className="flex items-center gap-2 text-sm leading-[21px]">
          {shape === undefined ? null : <StateGlyph shape={shape} />}
          <span className={key === undefined ? 'min-w-0 truncate text-ink-3' : colour}>
            {key === undefined ? unknown : says}
          </span>
          {key?.expiresAt === undefined ? null : (
            <span className="selectable text-xs text-ink-2">{formatDate(key.expiresAt)}</span>
          )}
        </p>
        <p className="selectable text-xs leading-[17px] text-ink-2">{more.join(', ')}</p>
      </div>
    </section>
  );
}
