import { Dialog } from '@base-ui/react/dialog';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { type KeyboardEvent, useRef } from 'react';
import { isUnderWay, stepTitles } from '#shared/model/enrollment.ts';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { isTyping } from '../../app/use-keyboard.ts';
import { formatTimeOfDay } from '../../lib/format.ts';
import { IconButton, Kbd } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { retryCauseOf, retryOne } from '../board/board-actions.ts';
import { closeDevice, openDevice, useBoardView } from '../board/board-view.ts';
import { ordinal, rowProgress, rowWords } from '../board/row-words.ts';
import { ErrorBlock } from './ErrorBlock.tsx';
import { FactGrid } from './FactGrid.tsx';
import { KeyStrip } from './KeyStrip.tsx';
import { LogView } from './LogView.tsx';
import { StepList } from './StepList.tsx';

/** One device in full: state, error, facts, steps, log. The batch goes on behind it. */
export function DeviceDrawer() {
  const opened = useBoardView((view) => view.opened);
  const row = useStation((station) => (opened === undefined ? undefined : station.rows[opened]));
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root
      open={row !== undefined}
      onOpenChange={(next) => (next ? undefined : closeDevice())}
      modal="trap-focus"
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="overlay fixed bottom-6 left-16 right-0 top-[var(--h-head)] z-30 bg-scrim" />
        <Dialog.Popup
          ref={popup}
          initialFocus={popup}
          finalFocus={() => document.querySelector<HTMLElement>('[role="grid"]')}
          className="overlay slide-in forced-edge fixed bottom-6 right-0 top-[var(--h-head)] z-30 flex w-[min(var(--w-drawer),calc(100vw-var(--w-rail)))] flex-col border-l border-line-2 bg-raised shadow-[-16px_0_40px_rgb(0_0_0/.34)] outline-none"
          onKeyDown={onDrawerKey}
        >
          {row === undefined ? null : <DrawerBody row={row} />}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Opens the device before or after the open one in the order of the table. */
function walk(step: 1 | -1): void {
  const { shownOrder, opened } = useBoardView.getState();
  const next = opened === undefined ? undefined : shownOrder[shownOrder.indexOf(opened) + step];
  if (next !== undefined) openDevice(next);
}

function onDrawerKey(event: KeyboardEvent): void {
  const { opened } = useBoardView.getState();
  if (opened === undefined || isTyping(event.target) || event.ctrlKey || event.altKey) return;
  if (event.key === 'r') retryOne(opened);
  else if (event.key === 'R') retryCauseOf(opened);
  else if (event.key === 'ArrowUp' && !inLog(event.target)) walk(-1);
  else if (event.key === 'ArrowDown' && !inLog(event.target)) walk(1);
  else return;
  event.preventDefault();
}

function DrawerBody({ row }: { readonly row: EnrollmentRow }) {
  const order = useBoardView((view) => view.shownOrder);
  const place = order.indexOf(row.deviceId);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <header className="flex h-[52px] shrink-0 items-center gap-2.5 border-b border-line-2 pl-5 pr-3">
        <StateGlyph
          shape={rowWords[row.state].shape}
          size={15}
          progress={row.state === 'running' ? rowProgress(row) : undefined}
        />
        <Dialog.Title className="mono min-w-0 truncate text-lg font-medium outline-none" title={row.deviceId}>
          {row.deviceId}
        </Dialog.Title>
        <span className={`whitespace-nowrap text-sm ${headColour(row)}`}>{headWord(row)}</span>
        <span className="whitespace-nowrap text-sm text-ink-2">
          {row.startedAt === undefined ? '' : `${formatTimeOfDay(row.finishedAt ?? row.startedAt)}, `}
          {row.attempt === 1 ? 'first try' : `${ordinal(row.attempt)} try`}
        </span>
        <span className="ml-auto whitespace-nowrap pr-2 text-xs text-ink-2">
          {place < 0 ? '' : `${place + 1} of ${order.length}`}
        </span>
        <IconButton
          label="Previous device"
          icon={<ChevronUp size={17} strokeWidth={1.7} aria-hidden="true" />}
          disabled={place <= 0}
          onClick={() => walk(-1)}
        />
        <IconButton
          label="Next device"
          icon={<ChevronDown size={17} strokeWidth={1.7} aria-hidden="true" />}
          disabled={place < 0 || place >= order.length - 1}
          onClick={() => walk(1)}
        />
        <Dialog.Close
          aria-label="Close"
          className="ml-1 flex h-7 items-center gap-2 rounded-2 px-1.5 text-ink-1 hover:bg-hover"
        >
          <X size={17} strokeWidth={1.7} aria-hidden="true" />
          <Kbd>Esc</Kbd>
        </Dialog.Close>
      </header>
      {row.error === undefined ? null : <ErrorBlock row={row} error={row.error} />}
      <FactGrid row={row} />
      <KeyStrip row={row} />
      <div className="grid min-h-0 flex-1 grid-cols-[236px_minmax(0,1fr)]">
        <StepList row={row} />
        <LogView key={row.deviceId} deviceId={row.deviceId} running={isUnderWay(row.state)} />
      </div>
    </div>
  );
}

function inLog(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.closest('[data-log]') !== null;
}

function headWord(row: EnrollmentRow): string {
  const word = row.state === 'awaiting-sign-in' ? 'Waits for a sign-in' : rowWords[row.state].word;
  const step = row.steps.find(({ state }) => state === 'failed' || state === 'running');
  return step === undefined ? word : `${word} at ${stepTitles[step.id]}`;
}

function headColour(row: EnrollmentRow): string {
  return row.state === 'enrolled' ? 'font-medium text-done-fg' : rowWords[row.state].colour;
}
