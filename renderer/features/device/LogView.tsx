import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { stepIds, stepTitles } from '#shared/model/enrollment.ts';
import type { LogLine } from '#shared/model/station-state.ts';
import { formatOffset } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { RedactedText } from './RedactedText.tsx';
import { useLog } from './use-log.ts';

const LINE_HEIGHT = 18;

/** The exact commands of one device and what they printed. Follows until the reader scrolls up. */
export function LogView({ deviceId, running }: { readonly deviceId: string; readonly running: boolean }) {
  const { lines, state, error } = useLog(deviceId);
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (lines[index]?.kind === 'step' ? LINE_HEIGHT + 6 : LINE_HEIGHT),
    overscan: 20,
  });

  useEffect(() => {
    if (following && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [following, lines.length, virtual]);

  const onScroll = () => {
    const box = scroller.current;
    if (box === null) return;
    setFollowing(box.scrollHeight - box.scrollTop - box.clientHeight < LINE_HEIGHT * 2);
  };

  return (
    <section aria-label="Log" className="flex min-h-0 min-w-0 flex-col">
      <div className="flex h-9 shrink-0 items-center gap-2.5 border-b border-line-2 pl-3.5 pr-3">
        <h2 className="text-xs font-semibold">Log</h2>
        <span className="truncate text-xs text-ink-2">exact commands, secrets redacted</span>
        <span className="ml-auto flex items-center gap-2">
          {following ? null : <span className="text-xs text-attn-fg">Not following</span>}
          <Button
            kind="quiet"
            size="small"
            disabled={following}
            icon={<ArrowDownToLine size={13} strokeWidth={1.7} aria-hidden="true" />}
            onClick={() => setFollowing(true)}
          >
            {following ? 'Follows' : 'Follow'}
          </Button>
        </span>
      </div>
      <div
        ref={scroller}
        data-log
        role="log"
        aria-live="off"
        aria-label={`Log of ${deviceId}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        className="scroll mono selectable min-h-0 flex-1 bg-well pb-3 text-xs outline-offset-[-2px]"
        onScroll={onScroll}
      >
        {lines.length === 0 ? (
          <p className="p-3.5 font-ui text-ink-2">{emptyWords(state, running, error?.says)}</p>
        ) : null}
        <div className="relative mt-1.5 min-w-max" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return line === undefined ? null : (
              <Line key={item.key} line={line} top={item.start} height={item.size} />
            );
          })}
        </div>
      </div>
    </section>
  );
}

function emptyWords(state: string, running: boolean, says: string | undefined): string {
  if (state === 'failed') return says ?? 'The log cannot be read.';
  if (state === 'asking') return 'Asking for the log.';
  return running ? 'Nothing was printed yet.' : 'This device has no log yet.';
}

const lineColours: Readonly<Record<LogLine['kind'], string>> = {
  step: 'text-ink-1 font-ui font-semibold',
  command: 'text-ink-1 font-semibold',
  output: 'text-ink-2',
  'error-output': 'text-fail-fg',
  'exit-ok': 'text-done-fg',
  'exit-failed': 'text-fail-fg',
  note: 'text-ink-2',
  problem: 'text-fail-fg',
};

/** Lines that begin something carry their time; the others belong to it. */
const timed: readonly LogLine['kind'][] = ['step', 'command', 'exit-ok', 'exit-failed', 'note', 'problem'];

function Line({
  line,
  top,
  height,
}: {
  readonly line: LogLine;
  readonly top: number;
  readonly height: number;
}) {
  return (
    <div
      data-kind={line.kind}
      className="absolute left-0 flex items-end whitespace-pre pr-4"
      style={{ transform: `translateY(${top}px)`, height, lineHeight: `${LINE_HEIGHT}px` }}
    >
      <span className="w-[78px] shrink-0 select-none pr-3 text-right text-ink-3">
        {timed.includes(line.kind) ? formatOffset(line.offsetMs) : ''}
      </span>
      <span className={lineColours[line.kind]}>
        {line.kind === 'command' ? <span className="text-accent">$ </span> : null}
        <RedactedText text={line.kind === 'step' ? stepLine(line) : line.text} />
      </span>
    </div>
  );
}

function stepLine(line: LogLine): string {
  if (line.stepId === undefined) return line.text;
  return `${stepIds.indexOf(line.stepId) + 1} ${stepTitles[line.stepId]}`;
}
