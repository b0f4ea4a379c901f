import { Info, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { formatHourMinute } from '../lib/format.ts';
import { IconButton } from '../ui/Button.tsx';
import { StateGlyph } from '../ui/StateGlyph.tsx';
import { act } from './bridge.ts';
import { dismissFailure, useFailures } from './failures.ts';
import { useStation } from './station-store.ts';

type Tone = 'info' | 'attention' | 'failed';

const toneClasses: Readonly<Record<Tone, string>> = {
  info: 'bg-panel border-line-2',
  attention: 'bg-attn-bg border-attn-line',
  failed: 'bg-fail-bg border-fail-line',
};

/** What the station has to say that belongs to no row: restarts, lost services, refused requests. */
export function NoticeLines() {
  const notices = useStation((station) => station.notices);
  const failures = useFailures((store) => store.failures);
  if (notices.length === 0 && failures.length === 0) return null;
  return (
    <section aria-label="Notices" className="shrink-0">
      {notices.map((notice) => (
        <Line
          key={notice.id}
          tone={notice.tone}
          onDismiss={() => void act('station.dismissNotice', { id: notice.id })}
        >
          <span className="text-ink-1">{notice.text}</span>
          <span className="text-ink-2">{formatHourMinute(notice.at)}</span>
        </Line>
      ))}
      {failures.map(({ id, error }) => (
        <Line key={id} tone="failed" onDismiss={() => dismissFailure(id)}>
          <span className="font-semibold text-ink-1">{error.says}</span>
          <span className="min-w-0 truncate text-ink-1" title={error.cause}>
            {error.operatorDoes}
          </span>
          <span className="mono text-2xs text-fail-fg">{error.code}</span>
        </Line>
      ))}
    </section>
  );
}

function Line({
  tone,
  onDismiss,
  children,
}: {
  readonly tone: Tone;
  readonly onDismiss: () => void;
  readonly children: ReactNode;
}) {
  return (
    <div
      role={tone === 'failed' ? 'alert' : 'status'}
      className={`flex h-8 items-center gap-2.5 border-b pl-4 pr-2 text-xs ${toneClasses[tone]}`}
    >
      {tone === 'info' ? (
        <Info size={13} strokeWidth={1.7} className="shrink-0 text-ink-2" aria-hidden="true" />
      ) : (
        <StateGlyph shape={tone === 'failed' ? 'octagon' : 'triangle'} />
      )}
      {children}
      <IconButton
        label="Dismiss"
        icon={<X size={14} strokeWidth={1.7} aria-hidden="true" />}
        className="ml-auto !size-6"
        onClick={onDismiss}
      />
    </div>
  );
}
