import { useMemo } from 'react';
import type { BatchView, EnrollmentRow } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { countOf, formatCount, formatDuration, formatHourMinute, formatSpanWords } from '../../lib/format.ts';
import { Counter, CounterRule } from '../../ui/Counter.tsx';
import { BatchRuler } from './BatchRuler.tsx';
import { type Counts, enrollmentRate, timeLeftMs, yieldPercent } from './board-numbers.ts';
import { groupCauses } from './causes.ts';

interface BoardHeaderProps {
  readonly batch: BatchView;
  /** Bench order. */
  readonly rows: readonly EnrollmentRow[];
  readonly counts: Counts;
}

/** The batch in numbers, and the ruler. */
export function BoardHeader({ batch, rows, counts }: BoardHeaderProps) {
  const now = useNow();
  const causes = useMemo(() => groupCauses(rows).length, [rows]);
  const next = rows.find((row) => row.state === 'waiting');
  const share = yieldPercent(counts);
  const finished = counts.enrolled + counts.failed;
  return (
    <header className="shrink-0 border-b border-line-2 bg-panel px-4 pb-2.5 pt-2.5">
      <div className="flex h-[72px]">
        <BatchTitle batch={batch} now={now} />
        <CounterRule />
        <div className="min-w-[118px] shrink-0 pl-4 pr-[18px]">
          <Counter shape="tick" word="Enrolled">
            <span className="flex items-baseline">
              <span
                data-testid="enrolled-count"
                className="text-num-lg font-semibold leading-[50px] tracking-[-0.01em]"
              >
                {counts.enrolled}
              </span>
              <span className="ml-2.5 text-[26px] font-normal text-ink-3">/ {rows.length}</span>
            </span>
          </Counter>
        </div>
        <CounterRule />
        <Counter
          shape="ring"
          word="Running"
          note={`of ${batch.concurrency} at once`}
          figure={counts.running}
          boxed
        />
        <CounterRule />
        <Counter
          shape="circle"
          word="Waiting"
          note={next === undefined ? '' : `next ${shortId(next, rows.length)}`}
          figure={counts.waiting}
          boxed
        />
        <CounterRule />
        <Counter
          shape="octagon"
          word="Failed"
          note={counts.failed === 0 ? '' : countOf(causes, 'cause')}
          figure={counts.failed}
          tone={counts.failed > 0 ? 'text-fail-fg' : 'text-ink-1'}
          boxed
        />
        {counts['awaiting-sign-in'] > 0 ? (
          <>
            <CounterRule />
            <Counter
              shape="clock"
              word="Need sign-in"
              note="go on by themselves"
              figure={counts['awaiting-sign-in']}
              tone="text-attn-fg"
              boxed
            />
          </>
        ) : null}
        {counts.stopped > 0 ? (
          <>
            <CounterRule />
            <Counter shape="chevrons" word="Stopped" note="not finished" figure={counts.stopped} boxed />
          </>
        ) : null}
        <div className="ml-auto hidden shrink-0 min-[1240px]:flex">
          <CounterRule />
          <Counter
            word="Yield"
            figure={share === undefined ? '' : share.toFixed(1)}
            unit={share === undefined ? '' : '%'}
            note={finished === 0 ? '' : `${counts.enrolled} of ${finished} finished`}
            boxed
          />
          <CounterRule />
          <RateCounter batch={batch} rows={rows} now={now} />
          <CounterRule />
          <TimeLeft batch={batch} rows={rows} now={now} />
        </div>
      </div>
      <div className="mt-1.5">
        <BatchRuler rows={rows} />
      </div>
    </header>
  );
}

function shortId(row: EnrollmentRow, total: number): string {
  return String(row.position).padStart(total > 99 ? 3 : 2, '0');
}

function BatchTitle({ batch, now }: { readonly batch: BatchView; readonly now: number }) {
  const profile = useStation((station) => station.profile);
  const account = useStation((station) =>
    station.session.state === 'signed-in' ? station.session.account : undefined,
  );
  const ended =
    batch.finishedAt === undefined
      ? `${formatSpanWords(now - batch.startedAt)} ago`
      : `finished in ${formatDuration(batch.finishedAt - batch.startedAt)}`;
  const started = `started ${formatHourMinute(batch.startedAt)}, ${ended}`;
  return (
    <div className="w-[302px] min-w-[180px] shrink pr-4">
      <h1 className="truncate text-lg font-semibold leading-[22px]" title={batch.name}>
        {batch.name}
        {batch.rotatesKeys === true ? (
          <span className="text-sm font-normal text-ink-2"> new keys</span>
        ) : null}
      </h1>
      <p className="mt-1 truncate text-xs leading-[17px] text-ink-1">{profile?.name ?? ''}</p>
      <p className="truncate text-xs leading-[17px] text-ink-2">{labelText(profile?.labels ?? {})}</p>
      <p className="truncate text-xs leading-[17px] text-ink-2">
        {account === undefined ? capital(started) : `${account}, ${started}`}
      </p>
    </div>
  );
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

interface LiveFigure {
  readonly batch: BatchView;
  readonly rows: readonly EnrollmentRow[];
  readonly now: number;
}

function RateCounter({ batch, rows, now }: LiveFigure) {
  const rate = enrollmentRate(batch, rows, now);
  const most = Math.max(1, ...rate.perMinute);
  return (
    <Counter
      word="Rate"
      figure={rate.perHour === undefined ? '' : formatCount(rate.perHour)}
      unit={rate.perHour === undefined ? '' : '/ h'}
      boxed
      note={
        <span className="flex h-3 w-[74px] items-end gap-[2px]" aria-hidden="true">
          {rate.perMinute.map((count, minute) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its minute
              key={minute}
              className="flex-1 bg-ink-3"
              style={{ height: count === 0 ? 1 : `${Math.max(3, (12 * count) / most)}px` }}
            />
          ))}
        </span>
      }
    />
  );
}

function TimeLeft({ batch, rows, now }: LiveFigure) {
  if (batch.state === 'finished' && batch.finishedAt !== undefined) {
    return (
      <Counter
        word="Took"
        figure={formatDuration(batch.finishedAt - batch.startedAt)}
        note={`until ${formatHourMinute(batch.finishedAt)}`}
        boxed
        last
      />
    );
  }
  const left = timeLeftMs(batch, rows, now);
  if (left === undefined) return <Counter word="Time left" figure="" note="" boxed last />;
  const inSeconds = left < 60_000;
  return (
    <Counter
      word="Time left"
      figure={String(inSeconds ? Math.max(1, Math.ceil(left / 5000) * 5) : Math.ceil(left / 60_000))}
      unit={inSeconds ? 's' : 'min'}
      note={`to ${rows.length}, about ${formatHourMinute(now + left)}`}
      boxed
      last
    />
  );
}
