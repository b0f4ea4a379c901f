import { ClipboardCopy, Copy, RotateCw } from 'lucide-react';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { Button } from '../../ui/Button.tsx';
import { retryOne } from '../board/board-actions.ts';
import { closeDevice } from '../board/board-view.ts';
import { TrustHostKey } from './TrustHostKey.tsx';

type RowError = NonNullable<EnrollmentRow['error']>;

/** What happened, why, and what to do, in this order; then the buttons. */
export function ErrorBlock({ row, error }: { readonly row: EnrollmentRow; readonly error: RowError }) {
  return (
    <section
      aria-label="Error"
      className="shrink-0 border-b border-line-2 border-l-[3px] border-l-fail-solid bg-fail-bg/60 pb-4 pl-[17px] pr-5 pt-3.5"
    >
      <h2 className="selectable text-lg font-semibold leading-6">{error.says}</h2>
      <button
        type="button"
        className="mono mt-0.5 flex items-center gap-1.5 text-xs text-fail-fg hover:underline"
        title="Copy the code"
        onClick={() => void act('device.copyEvidence', { text: error.code })}
      >
        {error.code}
        <Copy size={13} strokeWidth={1.7} aria-hidden="true" />
      </button>
      <div className="selectable mt-2.5 grid grid-cols-2 gap-x-8">
        <Advice title="Likely cause" text={error.cause} />
        <Advice title="What to do" text={error.operatorDoes} />
      </div>
      <div className="mt-3 flex flex-wrap items-start gap-2">
        {row.state !== 'failed' || error.retry === 'never' ? null : error.secretNeeded === undefined ? (
          <Button
            kind="primary"
            data-primary
            shortcut="R"
            icon={<RotateCw size={14} strokeWidth={1.75} aria-hidden="true" />}
            onClick={() => retryOne(row.deviceId)}
          >
            Retry
          </Button>
        ) : (
          <Button onClick={closeDevice}>Enter it on the Board</Button>
        )}
        {row.state !== 'failed' || error.hostKey === undefined ? null : (
          <TrustHostKey key={error.hostKey.actual} deviceId={row.deviceId} hostKey={error.hostKey} />
        )}
        <Button
          kind="quiet"
          className="ml-auto"
          icon={<ClipboardCopy size={14} strokeWidth={1.7} aria-hidden="true" />}
          onClick={() => void act('device.copyEvidence', { text: evidenceText(row, error) })}
        >
          Copy evidence
        </Button>
      </div>
    </section>
  );
}

function Advice({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <div>
      <h3 className="caption text-xs font-normal text-ink-2">{title}</h3>
      <p className="mt-0.5 text-[14px] leading-[19px] text-ink-1 [overflow-wrap:anywhere]">{text}</p>
    </div>
  );
}

/** Everything a colleague needs to judge the error, as text. Secrets are masked before they get here. */
export function evidenceText(row: EnrollmentRow, error: RowError): string {
  return [
    `${error.code} ${row.deviceId} ${row.target}`,
    error.says,
    `Likely cause: ${error.cause}`,
    `What to do: ${error.operatorDoes}`,
    ...(error.evidence === undefined ? [] : ['', error.evidence]),
  ]
    .join('\n')
    .slice(0, 65_536);
}
