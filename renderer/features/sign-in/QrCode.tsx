import { memo, useMemo } from 'react';
import { encode } from 'uqr';

const QUIET_MODULES = 3;

/** A QR code as one path; black on white in both themes, because cameras read it so. */
export const QrCode = memo(function QrCode({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}) {
  const { size, path } = useMemo(() => {
    const code = encode(text, { ecc: 'M', border: QUIET_MODULES });
    return { size: code.size, path: pathOf(code.data) };
  }, [text]);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="forced-mark size-[186px] shrink-0 rounded-1 border border-line-2"
    >
      <rect width={size} height={size} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  );
});

/** One rectangle per run of dark modules. */
function pathOf(rows: readonly (readonly boolean[])[]): string {
  const parts: string[] = [];
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue;
      const from = x;
      while (row[x + 1] === true) x += 1;
      parts.push(`M${from} ${y}h${x - from + 1}v1H${from}z`);
    }
  }
  return parts.join('');
}
