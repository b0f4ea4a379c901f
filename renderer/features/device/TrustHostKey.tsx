import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { Button } from '../../ui/Button.tsx';

/**
 * Accepts the new key of a board that was flashed again: the second of two steps, with both keys side by side. It stands
 * in the place of cause and remedy, which say the same two keys. Only here, where one device is looked at: for many at
 * once it would be a habit and no decision.
 */
export function TrustHostKey({
  deviceId,
  hostKey,
  onCancel,
}: {
  readonly deviceId: string;
  readonly hostKey: NonNullable<NonNullable<EnrollmentRow['error']>['hostKey']>;
  readonly onCancel: () => void;
}) {
  return (
    <section aria-label="Trust the new key" className="mt-2.5">
      <p className="text-[14px] leading-[19px] text-ink-1">
        Trust the new key only if you know that this board was flashed or exchanged.
      </p>
      <dl className="selectable mt-1.5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 text-xs leading-[19px]">
        <dt className="text-ink-2">Place</dt>
        <dd className="mono break-all text-ink-1">{hostKey.place}</dd>
        <dt className="text-ink-2">Known</dt>
        <dd className="mono break-all text-ink-1">{hostKey.expected}</dd>
        <dt className="text-ink-2">Now</dt>
        <dd className="mono break-all text-ink-1">{hostKey.actual}</dd>
      </dl>
      <div className="mt-3 flex gap-2">
        <Button onClick={() => void act('device.trustNewHostKey', { deviceId, fingerprint: hostKey.actual })}>
          Trust the new key and retry
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </section>
  );
}
