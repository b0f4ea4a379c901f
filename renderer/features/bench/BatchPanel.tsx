import { Play } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { BenchDevice } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { goTo, showSignIn } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { countOf, formatSpanWords } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { type Check, foundState, isChosen, namesOf, preflight } from './bench-rows.ts';
import { setBenchView, useBenchView } from './bench-view.ts';

/** The next batch: what is in it, whether it may start, and the button. */
export function BatchPanel() {
  const bench = useStation((station) => station.bench);
  const profile = useStation((station) => station.profile);
  const choices = useBenchView((view) => view.choices);
  const chosen = bench.filter((device) => isChosen(device, choices));
  const labels = Object.entries(profile?.labels ?? {});
  return (
    <aside data-region="panel" aria-label="Next batch" className="flex h-full min-h-0 flex-col bg-panel">
      <div className="scroll min-h-0 flex-1">
        <Part title="Batch">
          <dl className="mt-1.5 grid grid-cols-[84px_minmax(0,1fr)] text-xs">
            <dt className="py-1 text-ink-2">Names</dt>
            <dd className="mono selectable min-h-[26px] truncate py-1" title={namesOf(chosen)}>
              {namesOf(chosen)}
            </dd>
            <dt className="py-1 text-ink-2">At once</dt>
            <dd className="py-1">{profile === undefined ? '' : countOf(profile.concurrency, 'device')}</dd>
            <dt className="py-1 text-ink-2">Signs in as</dt>
            <dd className="mono selectable py-1">{profile?.sshUser ?? ''}</dd>
            <dt className="py-1 text-ink-2">Labels</dt>
            <dd className="flex flex-wrap items-center gap-1.5 py-1">
              {labels.length === 0 ? <span className="text-ink-2">none</span> : null}
              {labels.map(([name, value]) => (
                <span key={name} className="label-chip mono" title={`${name}=${value}`}>
                  {name}={value}
                </span>
              ))}
            </dd>
          </dl>
        </Part>
        <Preflight chosen={chosen} />
      </div>
      <StartBatch chosen={chosen} bench={bench} />
    </aside>
  );
}

function Part({
  title,
  more,
  children,
}: {
  readonly title: string;
  readonly more?: string;
  readonly children: ReactNode;
}) {
  return (
    <section className="border-b border-line-2 px-4 pb-3.5 pt-3 last:border-b-0">
      <h2 className="flex items-baseline gap-2.5 text-sm font-semibold leading-6">
        {title}
        {more === undefined ? null : <span className="text-xs font-normal text-ink-2">{more}</span>}
      </h2>
      {children}
    </section>
  );
}

const checkShapes = { right: 'tick', look: 'triangle', blocks: 'octagon' } as const;

function useChecks(chosen: readonly BenchDevice[]): Check[] {
  const station = useStation((state) => state);
  const now = useNow();
  const { session } = station;
  const end = session.state === 'signed-in' ? session.expiresAt : undefined;
  const left = end === undefined ? '' : `${formatSpanWords(end - now)} left`;
  return preflight(station, chosen, left);
}

function Preflight({ chosen }: { readonly chosen: readonly BenchDevice[] }) {
  const checks = useChecks(chosen);
  const right = checks.filter((check) => check.tone === 'right').length;
  const blocks = checks.filter((check) => check.tone === 'blocks').length;
  const look = checks.length - right - blocks;
  const more = `${right} right${look > 0 ? `, ${look} to look at` : ''}, ${blocks > 0 ? `${blocks} to fix` : 'nothing blocks'}`;
  return (
    <Part title="Pre-flight" more={more}>
      <ul className="mt-1">
        {checks.map((check) => (
          <li
            key={check.key}
            data-check={check.key}
            data-tone={check.tone}
            className="flex h-7 items-center gap-2.5"
          >
            <StateGlyph shape={checkShapes[check.tone]} />
            <span
              className="min-w-0 truncate text-[12.5px]"
              title={[check.says, check.more].filter(Boolean).join(', ')}
            >
              {check.says}
              {check.more ? <span className="text-xs text-ink-2">{`, ${check.more}`}</span> : null}
            </span>
            {check.action === undefined ? null : <CheckButton action={check.action} />}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function CheckButton({ action }: { readonly action: NonNullable<Check['action']> }) {
  if (action === 'name') {
    return (
      <Button
        size="small"
        className="ml-auto"
        onClick={() => document.querySelector<HTMLElement>('[data-testid="scan"]')?.focus()}
      >
        Scan
      </Button>
    );
  }
  return (
    <Button
      size="small"
      className="ml-auto"
      onClick={() => {
        showSignIn(true);
        void act('session.signIn');
      }}
    >
      Sign in
    </Button>
  );
}

interface StartBatchProps {
  readonly chosen: readonly BenchDevice[];
  readonly bench: readonly BenchDevice[];
}

function StartBatch({ chosen, bench }: StartBatchProps) {
  const [busy, setBusy] = useState(false);
  const batch = useStation((station) => station.batch);
  const concurrency = useStation((station) => station.profile?.concurrency ?? 1);
  const blocks = useChecks(chosen).filter((check) => check.tone === 'blocks').length;
  const runs = batch !== undefined && batch.state !== 'finished';
  const count = chosen.length;
  const start = async () => {
    setBusy(true);
    const started = await act('batch.start', { rowIds: chosen.map((device) => device.rowId) });
    setBusy(false);
    if (!started) return;
    setBenchView({ choices: {} });
    goTo('board');
  };
  const word = blocks > 0 ? `Fix ${blocks} to enroll` : `Enroll batch (${count})`;
  const sentence = runs
    ? `Batch ${batch.name} is running. One station runs one batch at a time.`
    : count === 0
      ? 'No device is chosen. Tick the devices to enroll.'
      : `${countOf(count, 'device')}, ${Math.min(concurrency, count)} at once. ${staySentence(bench, chosen)}`;
  return (
    <div className="shrink-0 border-t border-line-2 px-4 pb-4 pt-3.5">
      <p className="mb-3 min-h-[34px] text-xs leading-[17px] text-ink-2" id="start-why">
        {sentence}
      </p>
      <Button
        kind="primary"
        size="huge"
        data-primary
        className="w-full"
        aria-describedby="start-why"
        shortcut="Ctrl Enter"
        disabled={busy || runs || blocks > 0 || count === 0}
        icon={<Play size={17} strokeWidth={1.75} aria-hidden="true" />}
        onClick={() => void start()}
      >
        {word}
      </Button>
    </div>
  );
}

/** Who is left out of the batch, and why. */
function staySentence(bench: readonly BenchDevice[], chosen: readonly BenchDevice[]): string {
  const inBatch = new Set(chosen.map((device) => device.rowId));
  const staying = bench.filter((device) => !inBatch.has(device.rowId));
  if (staying.length === 0) return 'Nobody stays on the bench.';
  const reasons: string[] = [];
  const count = (state: ReturnType<typeof foundState>) =>
    staying.filter((device) => foundState(device) === state).length;
  if (count('enrolled') > 0) reasons.push(`${count('enrolled')} enrolled`);
  if (count('problem') > 0) reasons.push(`${count('problem')} with a problem`);
  if (count('unnamed') > 0) reasons.push(`${count('unnamed')} not named`);
  const others = staying.length - count('enrolled') - count('problem') - count('unnamed');
  if (others > 0) reasons.push(`${others} not chosen`);
  return `${staying.length} ${staying.length === 1 ? 'stays' : 'stay'} on the bench: ${reasons.join(', ')}.`;
}
