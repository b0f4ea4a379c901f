import type { DecommissionView } from '#shared/model/station-state.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { partLines, partTitles } from './decommission-words.ts';

/** The parts of a decommission in their order, each with what became of it. Every line has its place from the start. */
export function DecommissionProgress({ view }: { readonly view: DecommissionView }) {
  return (
    <ol aria-label={`Decommission of ${view.deviceId}`} className="border-y border-line-2">
      {partLines(view).map(({ what, shape, word, text }) => (
        <li
          key={what}
          data-part={what}
          data-shape={shape}
          className="grid grid-cols-[12px_minmax(0,1fr)_auto] items-start gap-x-2 border-b border-line-1 py-[5px] text-xs leading-[17px] last:border-b-0"
        >
          <StateGlyph shape={shape} className="mt-[3px]" />
          <span className="min-w-0">
            <span className={shape === 'circle' ? 'text-ink-3' : 'font-medium text-ink-1'}>
              {partTitles[what]}
            </span>
            <span className="selectable block min-h-[17px] truncate text-ink-2" title={text}>
              {text}
            </span>
          </span>
          <span className={shape === 'octagon' ? 'font-medium text-fail-fg' : 'text-ink-2'}>{word}</span>
        </li>
      ))}
    </ol>
  );
}
