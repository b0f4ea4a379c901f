import type { Lamp as LampState } from '#shared/model/station-state.ts';
import { type GlyphShape, StateGlyph } from '../ui/StateGlyph.tsx';

const shapes: Readonly<Record<LampState['state'], GlyphShape>> = {
  ok: 'tick',
  working: 'ring',
  waiting: 'circle',
  attention: 'triangle',
  failed: 'octagon',
};

const wordColours: Readonly<Record<LampState['state'], string>> = {
  ok: 'text-ink-1',
  working: 'text-ink-1',
  waiting: 'text-ink-1',
  attention: 'text-attn-fg',
  failed: 'text-fail-fg',
};

/** One thing the station depends on, and how it is. */
export function Lamp({ name, lamp }: { readonly name: string; readonly lamp: LampState }) {
  return (
    <span className="flex items-center gap-[7px] whitespace-nowrap text-xs" title={lamp.detail}>
      <StateGlyph shape={shapes[lamp.state]} />
      <span className="text-ink-2">
        {name} <span className={`ml-1 text-sm font-semibold ${wordColours[lamp.state]}`}>{lamp.word}</span>
      </span>
    </span>
  );
}
