import { memo, type ReactNode } from 'react';

export const glyphShapes = [
  'circle',
  'ring',
  'tick',
  'bars',
  'chevrons',
  'octagon',
  'undo',
  'triangle',
  'dot',
  'clock',
  'plus',
] as const;
export type GlyphShape = (typeof glyphShapes)[number];

interface StateGlyphProps {
  readonly shape: GlyphShape;
  /** Edge length in px; the drawing is made on a grid of 12. */
  readonly size?: number;
  /** Of a ring: 0 to 1. Undefined draws a resting quarter arc, because how far it is cannot be known. */
  readonly progress?: number | undefined;
  readonly className?: string;
}

const colours: Readonly<Record<GlyphShape, string>> = {
  circle: 'text-wait-fg',
  ring: 'text-run-fg',
  tick: 'text-done-fg',
  bars: 'text-right-fg',
  chevrons: 'text-skip-fg',
  octagon: 'text-fail-solid',
  undo: 'text-undo-fg',
  triangle: 'text-attn-fg',
  dot: 'text-done-fg',
  clock: 'text-attn-fg',
  plus: 'text-accent',
};

const RING_LENGTH = 2 * Math.PI * 4.4;

function ring(progress: number | undefined): ReactNode {
  const share = Math.min(1, Math.max(0.02, progress ?? 0.25));
  return (
    <>
      <circle cx="6" cy="6" r="4.4" strokeWidth="2" stroke="currentColor" opacity=".3" />
      <circle
        cx="6"
        cy="6"
        r="4.4"
        strokeWidth="2"
        stroke="currentColor"
        strokeDasharray={`${(share * RING_LENGTH).toFixed(2)} ${RING_LENGTH.toFixed(2)}`}
        transform="rotate(-90 6 6)"
      />
    </>
  );
}

const line = { stroke: 'currentColor', strokeLinecap: 'round', strokeLinejoin: 'round' } as const;

const drawings: Readonly<Record<Exclude<GlyphShape, 'ring'>, ReactNode>> = {
  circle: <circle cx="6" cy="6" r="3.4" stroke="currentColor" strokeWidth="1.3" />,
  tick: <path d="M2 6.4 4.9 9.2 10 3.2" strokeWidth="1.8" {...line} />,
  bars: <path d="M2.2 4.3h7.6M2.2 7.7h7.6" strokeWidth="1.6" {...line} />,
  chevrons: <path d="M2.5 3 5.6 6 2.5 9M6.6 3 9.7 6 6.6 9" strokeWidth="1.3" {...line} />,
  undo: <path d="M4.4 1.8 2 4.2l2.4 2.4M2.2 4.2h4.5a2.9 2.9 0 0 1 0 5.8H4" strokeWidth="1.4" {...line} />,
  octagon: (
    <>
      <path d="M3.6.5h4.8L11.5 3.6v4.8L8.4 11.5H3.6L.5 8.4V3.6z" fill="currentColor" />
      <path
        d="M4.1 4.1l3.8 3.8M7.9 4.1 4.1 7.9"
        className="stroke-on-fail"
        strokeWidth="1.6"
        strokeLinecap="round"
      />
    </>
  ),
  triangle: (
    <>
      <path
        d="M6 .8 11.7 11H.3z"
        fill="var(--attn-solid)"
        stroke="var(--attn-edge)"
        strokeWidth=".6"
        strokeLinejoin="round"
      />
      <path d="M6 4.4v3.1M6 9.1v.3" stroke="var(--on-attn)" strokeWidth="1.3" strokeLinecap="round" />
    </>
  ),
  dot: <circle cx="6" cy="6" r="3.2" fill="currentColor" />,
  clock: (
    <>
      <circle cx="6" cy="6" r="4.7" stroke="currentColor" strokeWidth="1.3" />
      <path d="M6 3.4V6l1.7 1.2" strokeWidth="1.2" {...line} />
    </>
  ),
  plus: <path d="M6 2v8M2 6h8" strokeWidth="1.5" {...line} />,
};

/** The sign of a state: a shape of its own first, a colour second. The word stands beside it, never in it. */
export const StateGlyph = memo(function StateGlyph({
  shape,
  size = 12,
  progress,
  className = '',
}: StateGlyphProps) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 12 12"
      fill="none"
      aria-hidden="true"
      data-shape={shape}
      className={`forced-mark block shrink-0 ${colours[shape]} ${className}`}
    >
      {shape === 'ring' ? ring(progress) : drawings[shape]}
    </svg>
  );
});
