import { Plus, ScanBarcode } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { act } from '../../app/bridge.ts';
import { stationNow, useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { isTyping } from '../../app/use-keyboard.ts';
import { countOf, formatAge } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { AddThisComputer } from './AddThisComputer.tsx';
import { type ScanEcho, setBenchView, useBenchView } from './bench-view.ts';
import { decideScan } from './scan.ts';

/** Where ids arrive, from a scanner or the keyboard, and how the last one was taken. */
export function ScanField() {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const echo = useBenchView((view) => view.echo);
  const devices = useStation((station) => station.bench.length);
  useTypingAnywhere(input);

  const take = async () => {
    const id = text.trim();
    if (id === '') return;
    setText('');
    const outcome = decideScan(id, stationNow().bench);
    let right = outcome.does !== 'refuse';
    if (outcome.does === 'name') right = await act('bench.rename', { rowId: outcome.rowId, deviceId: id });
    if (outcome.does !== 'refuse' && right)
      setBenchView({ selected: outcome.rowId, filter: 'all', query: '' });
    setBenchView({ echo: { right, text: id, says: outcome.says, at: Date.now() } });
  };

  return (
    <header
      data-region="toolbar"
      className="flex h-[84px] shrink-0 items-center gap-5 border-b border-line-2 bg-panel px-4"
    >
      <label className="flex h-[52px] w-[min(452px,44%)] items-center gap-3.5 rounded-2 border border-line-control bg-raised pl-4 pr-3 text-ink-3 focus-within:border-transparent focus-within:outline-2 focus-within:outline-focus">
        <ScanBarcode size={23} strokeWidth={1.5} className="shrink-0" aria-hidden="true" />
        <input
          ref={input}
          value={text}
          aria-label="Scan a label or type a device id"
          placeholder="Scan a label or type a device id"
          spellCheck={false}
          autoComplete="off"
          data-testid="scan"
          className={`selectable h-full min-w-0 flex-1 bg-transparent text-lg text-ink-1 caret-accent outline-none ${text === '' ? '' : 'mono'}`}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.ctrlKey) void take();
            if (event.key === 'Escape') setText('');
          }}
        />
      </label>
      <div className="min-w-0 flex-1">{echo === undefined ? null : <Echo echo={echo} />}</div>
      <div className="hidden shrink-0 text-right min-[1200px]:block">
        <p className="text-sm leading-[18px]">
          <span className="font-semibold">{devices}</span> on the bench
        </p>
        <p className="text-xs leading-[17px] text-ink-2">enrolled only when you start the batch</p>
      </div>
      <div className="flex shrink-0 gap-2">
        <AddThisComputer />
        <Button
          icon={<Plus size={14} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => setBenchView({ addShown: true })}
        >
          Add address
        </Button>
      </div>
      <span className="visually-hidden">{countOf(devices, 'device')}</span>
    </header>
  );
}

function Echo({ echo }: { readonly echo: ScanEcho }) {
  const now = useNow();
  return (
    <div className="flex items-center gap-3.5" role="status">
      <StateGlyph shape={echo.right ? 'tick' : 'octagon'} size={17} />
      <div className="min-w-0">
        <p className="mono truncate text-[20px] font-medium leading-6">{echo.text}</p>
        <p
          className={`truncate text-xs leading-[17px] ${echo.right ? 'text-ink-2' : 'text-fail-fg'}`}
          title={echo.says}
        >
          {echo.says}
          {echo.right ? `, ${formatAge(now - echo.at)} ago` : ''}
        </p>
      </div>
    </div>
  );
}

/** A scanner types wherever the focus is. On this screen what is typed outside a field belongs here. */
function useTypingAnywhere(input: React.RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    input.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target))
        return;
      if (!/^[A-Za-z0-9.-]$/.test(event.key) || document.querySelector('[role="dialog"]') !== null) return;
      // The key arrives in the field, because the focus moves before it is typed.
      input.current?.focus();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [input]);
}
