import { ClipboardCopy } from 'lucide-react';
import { act } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { evidenceText } from '../../lib/evidence.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';

/** Why a sign-in did not come about, with its evidence to copy. */
export function SignInError({ error }: { readonly error: ShownError }) {
  return (
    <div role="alert" className="mt-6">
      <ErrorNote error={error}>
        <Button
          kind="quiet"
          size="small"
          icon={<ClipboardCopy size={13} strokeWidth={1.7} aria-hidden="true" />}
          onClick={() => void act('device.copyEvidence', { text: evidenceText(error) })}
        >
          Copy evidence
        </Button>
      </ErrorNote>
    </div>
  );
}
