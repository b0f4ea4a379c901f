import { useEffect, useRef } from 'react';
import type { SessionView } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { Button } from '../../ui/Button.tsx';
import { ApprovalPanel } from './ApprovalPanel.tsx';
import { BigCode, DeviceCode, ExpiredCode, SignInHead } from './DeviceCode.tsx';
import { rememberCode, useCodeMemory } from './new-code.ts';
import { OtherSignsIn } from './OtherSignsIn.tsx';
import { SignedOut } from './SignedOut.tsx';
import { TokenForm } from './TokenForm.tsx';
import { closeTokenForm, useTokenForm } from './token-form.ts';

/** Signing in: the code first, then the time left, then the ways to enter it. */
export function SignInScreen() {
  const session = useStation((station) => station.session);
  const hasProfile = useStation((station) => station.profile !== undefined);
  const code = session.state === 'awaiting-approval' ? session.userCode : undefined;
  useEffect(() => {
    if (code !== undefined) rememberCode(code);
  }, [code]);
  const byToken = useTokenForm((form) => form.shown);
  // Whoever asks for a code, here or in the bar, signs in by code from then on.
  useEffect(() => {
    if (session.state !== 'signed-out') closeTokenForm();
  }, [session.state]);
  const place = useFocusKept(`${session.state} ${byToken}`);
  return (
    <div className="flex h-full min-h-0">
      <section
        ref={place}
        tabIndex={-1}
        aria-label="Sign in"
        data-region="table"
        className="scroll min-w-0 flex-1 px-10"
      >
        <div className="mx-auto flex min-h-full max-w-[760px] flex-col justify-center pb-[6vh] pt-4 min-[1440px]:pb-[12vh]">
          <Stage session={session} />
        </div>
      </section>
      {hasProfile ? <ApprovalPanel /> : null}
    </div>
  );
}

function Stage({ session }: { readonly session: SessionView }) {
  const { lastCode, renewing } = useCodeMemory();
  const byToken = useTokenForm((form) => form.shown);
  if (session.state === 'awaiting-approval' && !renewing) return <DeviceCode session={session} />;
  if (renewing || session.state === 'starting') return <Asking oldCode={renewing ? lastCode : undefined} />;
  if (session.state === 'other-signs-in') return <OtherSignsIn since={session.since} />;
  if (session.state !== 'signed-out') return null;
  if (byToken) return <TokenForm />;
  if (session.error?.code === 'IDENTITY_CODE_EXPIRED' && lastCode !== undefined) {
    return <ExpiredCode code={lastCode} />;
  }
  return <SignedOut error={session.error} />;
}

/** The button that was pressed is gone with the state that showed it; the keyboard stays on this screen. */
function useFocusKept(state: string) {
  const place = useRef<HTMLElement>(null);
  const before = useRef(state);
  useEffect(() => {
    if (before.current === state) return;
    before.current = state;
    if (document.activeElement === document.body) place.current?.focus();
  }, [state]);
  return place;
}

const LONG_WAIT_MS = 4000;

/** A code is asked for. After a while it says what is waited for. */
function Asking({ oldCode }: { readonly oldCode: string | undefined }) {
  const issuer = useStation((station) => station.profile?.issuer);
  const now = useNow();
  const since = useRef(now);
  const long = now - since.current >= LONG_WAIT_MS && issuer !== undefined;
  return (
    <>
      <SignInHead says={long ? `Asking for a code. ${issuer} has not answered yet.` : 'Asking for a code.'} />
      {oldCode === undefined ? null : <BigCode code={oldCode} struck />}
      <div className="mt-7">
        <Button size="large" onClick={() => void act('session.cancel')}>
          Cancel
        </Button>
      </div>
    </>
  );
}
