import { useStation } from '../../app/station-store.ts';
import { ApprovalPanel } from './ApprovalPanel.tsx';
import { DeviceCode } from './DeviceCode.tsx';
import { SignedOut } from './SignedOut.tsx';

/** Signing in: the code first, then the time left, then the ways to enter it. */
export function SignInScreen() {
  const session = useStation((station) => station.session);
  return (
    <div className="flex h-full min-h-0">
      <section aria-label="Sign in" data-region="table" className="scroll min-w-0 flex-1 px-10">
        <div className="mx-auto flex min-h-full max-w-[760px] flex-col justify-center pb-[6vh] pt-4 min-[1440px]:pb-[12vh]">
          {session.state === 'awaiting-approval' ? <DeviceCode session={session} /> : null}
          {session.state === 'signed-out' ? <SignedOut error={session.error} /> : null}
          {session.state === 'starting' ? <Starting /> : null}
        </div>
      </section>
      <ApprovalPanel />
    </div>
  );
}

function Starting() {
  return (
    <>
      <h1 className="text-[26px] font-semibold leading-8">Sign in once for this shift</h1>
      <p className="mt-2 text-md text-ink-2">Asking the identity provider for a code.</p>
    </>
  );
}
