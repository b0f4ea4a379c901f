import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { formatBytes } from '../../lib/format.ts';

/** What is known of the device: four columns, two lines. Unknown stays empty. */
export function FactGrid({ row }: { readonly row: EnrollmentRow }) {
  const { facts } = row;
  return (
    <dl className="selectable grid shrink-0 grid-cols-[1.6fr_1.35fr_1fr_1.1fr] gap-x-5 gap-y-1.5 border-b border-line-2 px-5 py-2.5">
      <Fact name="Model" value={facts?.model} />
      <Fact name="Serial" value={facts?.serial} mono />
      <Fact name="Architecture" value={facts?.architecture} />
      <Fact name="System" value={facts?.system} />
      <Fact name="Host key" value={row.hostKeyFingerprint} mono />
      <Fact name="Target" value={row.target} mono />
      <Fact
        name="Free space"
        value={facts?.freeBytes === undefined ? undefined : formatBytes(facts.freeBytes)}
      />
      <Fact name="Clock" value={clockWords(facts?.clockOffsetSeconds)} />
    </dl>
  );
}

function Fact({
  name,
  value,
  mono = false,
}: {
  readonly name: string;
  readonly value: string | undefined;
  readonly mono?: boolean;
}) {
  return (
    <div className="min-w-0">
      <dt className="caption text-xs leading-4 text-ink-2">{name}</dt>
      <dd
        className={`h-[18px] truncate text-[12.5px] leading-[18px] text-ink-1 ${mono ? 'mono !text-xs' : ''}`}
        title={value}
      >
        {value ?? ''}
      </dd>
    </div>
  );
}

function clockWords(offsetSeconds: number | undefined): string | undefined {
  if (offsetSeconds === undefined) return undefined;
  const size = Math.abs(offsetSeconds);
  if (size < 1) return 'as the station';
  return `${size.toFixed(size < 10 ? 1 : 0)} s ${offsetSeconds > 0 ? 'ahead of' : 'behind'} station`;
}
