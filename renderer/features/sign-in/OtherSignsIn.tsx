import { LogIn } from 'lucide-react';
import { act } from '../../app/bridge.ts';
import { useNow } from '../../app/ticker.ts';
import { useCancelByEscape } from '../../app/use-cancel-by-escape.ts';
import { formatClockSpan } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { SignInHead } from './DeviceCode.tsx';

/** Another station of this account shows a code: it is waited for, unless the operator wants one here. */
export function OtherSignsIn({ since }: { readonly since: number }) {
  useCancelByEscape();
  const now = useNow();
  return (
    <div data-testid="other-signs-in">
      <SignInHead
        title="Another Muster is signing in"
        says="A second window or the command line on this computer shows a code. Approve it there: this station goes on with the same sign-in."
      />
      <p className="mt-7 flex items-center text-[14px] text-ink-2">
        <StateGlyph shape="ring" size={13} className="mr-2" />
        Waiting for its approval for{' '}
        <span className="ml-1 min-w-[4ch] font-semibold text-ink-1">
          {formatClockSpan(Math.max(0, now - since))}
        </span>
      </p>
      <div className="mt-7 flex items-center gap-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          icon={<LogIn size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void act('session.signInHere')}
        >
          Sign in here instead
        </Button>
        <Button kind="quiet" size="large" shortcut="Esc" onClick={() => void act('session.cancel')}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
