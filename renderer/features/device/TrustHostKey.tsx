import { ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { Button } from '../../ui/Button.tsx';

type ChangedHostKey = NonNullable<NonNullable<EnrollmentRow['error']>['hostKey']>;

/**
 * Accepts the new key of a board that was flashed again, in two steps: the second one shows both keys. Only here, where
 * one device is looked at: for many at once it would be a habit and no decision.
 */
export function TrustHostKey({
  deviceId,
  hostKey,
}: {
  readonly deviceId: string;
  readonly hostKey: ChangedHostKey;
}) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <Button
        icon={<ShieldAlert size={14} strokeWidth={1.75} aria-hidden="true" />}
        onClick={() => setAsked(true)}
      >
        Trust the new key…
      </Button>
    );
  }
  return (
    <section
      aria-label="Trust the new key"
      className="flex w-full flex-col gap-2 rounded-2 border border-line-control bg-panel p-3"
    >
      <p className="text-sm text-ink-1">
        Trust the new key only if you know that this board was flashed or exchanged.
      </p>
      <dl className="selectable grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 text-xs">
        <dt className="text-ink-2">Place</dt>
        <dd className="mono break-all text-ink-1">{hostKey.place}</dd>
        <dt className="text-ink-2">Known</dt>
        <dd className="mono break-all text-ink-1">{hostKey.expected}</dd>
        <dt className="text-ink-2">Now</dt>
        <dd className="mono break-all text-ink-1">{hostKey.actual}</dd>
      </dl>
      <div className="flex gap-2">
        <Button
          kind="plain"
          onClick={() => void act('device.trustNewHostKey', { deviceId, fingerprint: hostKey.actual })}
        >
          Trust the new key and retry
        </Button>
        <Button kind="quiet" onClick={() => setAsked(false)}>
          Cancel
        </Button>
      </div>
    </section>
  );
}
