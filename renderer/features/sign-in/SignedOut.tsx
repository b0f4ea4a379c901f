import { LogIn } from 'lucide-react';
import { act } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { goTo } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';

/** Nobody is signed in: why, if something went wrong, and the one button. */
export function SignedOut({ error }: { readonly error: ShownError | undefined }) {
  const profile = useStation((station) => station.profile);
  const failed = error !== undefined && error.code !== 'IDENTITY_SIGN_IN_CANCELLED';
  const word = error === undefined ? 'Sign in' : error.retry === 'after-fix' ? 'Try again' : 'Get a new code';
  return (
    <>
      <h1 className="text-[26px] font-semibold leading-8">Sign in once for this shift</h1>
      <p className="mt-2 text-md leading-6 text-ink-2">
        Your browser opens, you approve a code there. Every device of every batch then uses this one sign-in.
      </p>
      {failed ? <SignInError error={error} /> : null}
      <div className="mt-7 flex items-center gap-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          icon={<LogIn size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void act('session.signIn')}
        >
          {word}
        </Button>
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

function SignInError({ error }: { readonly error: ShownError }) {
  return (
    <section role="alert" className="mt-6 border-l-[3px] border-fail-solid bg-fail-bg/70 px-5 py-4">
      <h2 className="flex items-center gap-2.5 text-lg font-semibold leading-6">
        <StateGlyph shape="octagon" size={14} />
        <span className="selectable">{error.says}</span>
      </h2>
      <p className="mono selectable mt-0.5 pl-6 text-xs text-fail-fg">{error.code}</p>
      <div className="selectable mt-3 grid grid-cols-2 gap-x-8 pl-6">
        <div>
          <h3 className="caption text-xs font-normal text-ink-2">Likely cause</h3>
          <p className="mt-0.5 text-[14px] leading-[19px]">{error.cause}</p>
        </div>
        <div>
          <h3 className="caption text-xs font-normal text-ink-2">What to do</h3>
          <p className="mt-0.5 text-[14px] leading-[19px]">{error.operatorDoes}</p>
        </div>
      </div>
    </section>
  );
}
