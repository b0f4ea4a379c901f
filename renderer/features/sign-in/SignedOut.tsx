import { LogIn } from 'lucide-react';
import { act } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { goTo } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { OtherProfiles, WaysToProfile } from '../profiles/FirstRun.tsx';
import { SignInHead } from './DeviceCode.tsx';
import { SignInError } from './SignInError.tsx';

/** What is told of a sign-in that has ended: nothing is tried a second time. */
const afterSignOut = new Set<ShownError['code']>([
  'IDENTITY_SIGN_IN_CANCELLED',
  'IDENTITY_NOT_REVOKED',
  'STATION_SIGN_IN_NOT_FORGOTTEN',
]);

/** What pressing the button once more leads to. */
function againWord(code: ShownError['code'] | undefined): string {
  if (code === undefined || afterSignOut.has(code)) return 'Sign in';
  if (code === 'IDENTITY_SIGN_IN_DENIED' || code === 'IDENTITY_CODE_EXPIRED') return 'Get a new code';
  return code === 'IDENTITY_SESSION_ENDED' ? 'Sign in again' : 'Try again';
}

/** Nobody is signed in: why, if something went wrong, and the one button. */
export function SignedOut({ error }: { readonly error: ShownError | undefined }) {
  const profile = useStation((station) => station.profile);
  const failed = error !== undefined && error.code !== 'IDENTITY_SIGN_IN_CANCELLED';
  return (
    <>
      {profile === undefined ? (
        <SignInHead
          title={failed ? 'The profile cannot be opened' : 'This station has no profile'}
          says="A profile tells it where to sign in, where heartbeats arrive and which agent to install."
        />
      ) : (
        <SignInHead says="Your browser opens, you approve a code there. Every device of every batch then uses this one sign-in." />
      )}
      {failed ? <SignInError error={error} /> : null}
      {profile === undefined ? <OtherProfiles /> : null}
      <div className="mt-7 flex flex-wrap items-center gap-3">
        {profile === undefined ? (
          <WaysToProfile />
        ) : (
          <Button
            kind="primary"
            size="large"
            data-primary
            icon={<LogIn size={16} strokeWidth={1.75} aria-hidden="true" />}
            onClick={() => void act('session.signIn')}
          >
            {againWord(error?.code)}
          </Button>
        )}
        <Button kind="quiet" size="large" onClick={() => goTo('bench')}>
          Prepare the bench first
        </Button>
      </div>
      {profile === undefined ? null : (
        <dl className="selectable mt-10 grid grid-cols-[120px_minmax(0,1fr)] gap-y-2 border-t border-line-2 pt-5 text-sm">
          <dt className="text-ink-2">Identity provider</dt>
          <dd className="mono truncate text-sm" title={profile.issuer}>
            {profile.issuer}
          </dd>
          <dt className="text-ink-2">Profile</dt>
          <dd>{profile.name}</dd>
        </dl>
      )}
    </>
  );
}
