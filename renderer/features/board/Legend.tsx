import { X } from 'lucide-react';
import type { stepStates } from '#shared/model/enrollment.ts';
import { IconButton } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { setBoardView, useBoardView } from './board-view.ts';
import { stepWords } from './row-words.ts';

const order = [
  'waiting',
  'running',
  'done',
  'already',
  'skipped',
  'undone',
  'failed',
] as const satisfies typeof stepStates extends readonly (infer S)[] ? readonly S[] : never;

/** What the signs mean. It can be hidden, and comes back by its word. */
export function Legend() {
  const shown = useBoardView((view) => view.legendShown);
  if (!shown) {
    return (
      <button
        type="button"
        className="caption h-7 shrink-0 border-t border-line-2 px-4 text-left text-2xs text-ink-3 hover:text-ink-1"
        onClick={() => setBoardView({ legendShown: true })}
      >
        Show the signs
      </button>
    );
  }
  return (
    <div className="relative shrink-0 border-t border-line-2 px-4 py-2.5">
      <ul className="caption grid grid-cols-3 gap-y-1 text-2xs text-ink-2" aria-label="Signs">
        {order.map((state) => (
          <li key={state} className="flex h-4 items-center gap-2">
            <StateGlyph
              shape={stepWords[state].shape}
              size={11}
              progress={state === 'running' ? 0.72 : undefined}
            />
            {stepWords[state].word}
          </li>
        ))}
      </ul>
      <IconButton
        label="Hide the signs"
        icon={<X size={12} strokeWidth={1.7} aria-hidden="true" />}
        className="!absolute bottom-1.5 right-2 !size-6"
        onClick={() => setBoardView({ legendShown: false })}
      />
    </div>
  );
}
