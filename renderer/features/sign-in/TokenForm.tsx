import { KeyRound, LogIn } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { act, call } from '../../app/bridge.ts';
import { reportFailure, type ShownError } from '../../app/failures.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { CheckField } from '../../ui/CheckField.tsx';
import { LabelledField } from '../set-up/LabelledField.tsx';
import { SignInHead } from './DeviceCode.tsx';
import { SignInError } from './SignInError.tsx';
import { closeTokenForm } from './token-form.ts';

/**
 * Signing in with an access token. The token is in the field until it is handed over and in no state of the page. What the
 * provider says of it stands below the buttons, where its place is kept free: nothing moves.
 */
export function TokenForm() {
  const field = useRef<HTMLInputElement>(null);
  const { busy, refused, submit } = useHandOver(field);
  const [isFilled, setFilled] = useState(false);
  const [remember, setRemember] = useState(false);
  useEffect(() => field.current?.focus(), []);

  const isReady = isFilled && !busy;
  const handOver = () => {
    if (!isReady) return;
    setFilled(false);
    void submit(remember);
  };
  const leave = () => {
    if (busy) void act('session.cancel');
    closeTokenForm();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    leave();
  };
  return (
    <form
      aria-label="Sign in with an access token"
      className="relative"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        handOver();
      }}
    >
      <SignInHead
        title="Sign in with an access token"
        says="The provider is asked at once whose token it is, and whether it may enroll devices."
      />
      <div className="mt-7 max-w-[520px]">
        <LabelledField
          ref={field}
          label="Access token"
          type="password"
          icon={<KeyRound size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          hint="Used as it is and never renewed. Signing out forgets it and does not revoke it."
          onValue={(value) => setFilled(value.trim() !== '')}
        />
        <Remembering remember={remember} onRemember={setRemember} disabled={busy} />
      </div>
      <div className="mt-6 flex items-center gap-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          disabled={!isReady}
          icon={<LogIn size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={handOver}
        >
          Check and sign in
        </Button>
        <Button kind="quiet" size="large" shortcut="Esc" onClick={leave}>
          Use a code instead
        </Button>
        <span role="status" className="text-sm text-ink-2">
          {busy ? 'Asking the provider.' : ''}
        </span>
      </div>
      {/* Enter in the field needs a button to submit with; the one above is no submit button. */}
      <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden="true">
        Check and sign in
      </button>
      {/* Its place is free from the start, and however long it gets, it moves nothing above it. */}
      <div className="relative min-h-[236px]">
        <div className="absolute inset-x-0 top-0">
          {refused === undefined ? null : <SignInError error={refused} />}
        </div>
      </div>
    </form>
  );
}

/** Hands the token of a field over and empties the field, whatever comes of it. */
function useHandOver(field: { readonly current: HTMLInputElement | null }) {
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const isThere = useRef(true);
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);
  const submit = async (remember: boolean) => {
    const asked = call('session.signInWithToken', { token: field.current?.value ?? '', remember });
    // A token that is refused is as secret as one that is not.
    if (field.current !== null) field.current.value = '';
    setBusy(true);
    setRefused(undefined);
    const answer = await asked;
    setBusy(false);
    if (answer.ok || answer.error.code === 'IDENTITY_SIGN_IN_CANCELLED') return;
    // Who has gone elsewhere reads it there.
    if (!isThere.current) return reportFailure(answer.error);
    setRefused(answer.error);
    field.current?.focus();
  };
  return { busy, refused, submit };
}

/** Offers to remember the token where profile and computer can, else says why not; as high either way. */
function Remembering({
  remember,
  onRemember,
  disabled,
}: {
  readonly remember: boolean;
  readonly onRemember: (remember: boolean) => void;
  readonly disabled: boolean;
}) {
  const isAllowed = useStation((station) => station.profile?.remembersTokens === true);
  const keychain = useStation((station) => station.lamps.keychain);
  const place = keychain.detail ?? 'System keychain';
  const why = isAllowed
    ? place
    : 'the profile has no access token kept on this computer (identity.token_cache).';
  return (
    <div className="mt-2 min-h-[46px]">
      {isAllowed && keychain.state === 'ok' ? (
        <>
          <CheckField checked={remember} disabled={disabled} onChange={onRemember}>
            Remember it on this computer
          </CheckField>
          <p className="pl-[22px] text-xs leading-[18px] text-ink-3">{`Until you sign out: ${place}.`}</p>
        </>
      ) : (
        <p className="text-sm leading-[18px] text-ink-2">{`Not remembered: ${why}`}</p>
      )}
    </div>
  );
}
