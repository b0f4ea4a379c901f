import type { ReactNode } from 'react';
import { type GlyphShape, StateGlyph } from './StateGlyph.tsx';

interface CounterProps {
  readonly word: string;
  readonly shape?: GlyphShape;
  readonly figure?: ReactNode;
  readonly unit?: string;
  readonly note?: ReactNode;
  readonly tone?: string;
  /** With the padding and the smallest width of a field of the header. */
  readonly boxed?: boolean;
  readonly last?: boolean;
  readonly children?: ReactNode;
}

/** A number with its name above and a remark below. Its place is kept when the number is not known. */
export function Counter(props: CounterProps) {
  const {
    word,
    shape,
    figure,
    unit,
    note,
    tone = 'text-ink-1',
    boxed = false,
    last = false,
    children,
  } = props;
  const box = boxed ? `min-w-[88px] shrink-0 pl-4 ${last ? 'pr-0 min-w-[100px]' : 'pr-[18px]'}` : '';
  return (
    <div className={box}>
      <p className="flex items-center gap-2 whitespace-nowrap text-xs leading-[18px] text-ink-2">
        {shape === undefined ? null : (
          <StateGlyph shape={shape} progress={shape === 'ring' ? 0.72 : undefined} />
        )}
        {word}
      </p>
      {children ?? (
        <>
          <p
            className={`flex h-[38px] items-baseline whitespace-nowrap text-num-md font-medium leading-[38px] ${tone}`}
          >
            {figure}
            {unit ? <span className="ml-1 text-md font-normal text-ink-2">{unit}</span> : null}
          </p>
          <div className="caption h-[15px] whitespace-nowrap text-2xs leading-[15px] text-ink-3">{note}</div>
        </>
      )}
    </div>
  );
}

/** The hairline between two counters. */
export function CounterRule() {
  return <div className="w-px shrink-0 self-stretch bg-line-2" aria-hidden="true" />;
}
