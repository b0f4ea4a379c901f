import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';
import { LabelledField } from './LabelledField.tsx';
import { setSetUp, useSetUp } from './set-up-store.ts';

/** Where the provider is, and the administrator's token. The token is handed over once and forgotten here. */
export function CheckForm() {
  const { issuer, organisationId, caFile, acceptInvalidCertificates } = useSetUp();
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const issuerSays =
    issuer === '' || /^https?:\/\/[^/\s]+/.test(issuer) ? '' : 'An address begins with https://.';
  const complete = issuer !== '' && issuerSays === '' && token !== '';

  const check = async () => {
    if (!complete || busy) return;
    setBusy(true);
    setRefused(undefined);
    const answer = await call('setup.check', {
      ...{ issuer, token, organisationId, caFile, acceptInvalidCertificates },
    });
    setBusy(false);
    // A token that was refused is as secret as one that was not; all else stays as typed.
    setToken('');
    if (answer.ok) setSetUp({ view: answer.value });
    else setRefused(answer.error);
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void check();
      }}
    >
      <div className="grid grid-cols-2 gap-x-8 gap-y-2">
        <LabelledField
          label="Issuer"
          mono
          placeholder="https://sso.example.com"
          hint="The provider’s own address, with its port where it has one."
          value={issuer}
          says={issuerSays}
          onValue={(value) => setSetUp({ issuer: value })}
        />
        <LabelledField
          label="Access token of an administrator"
          type="password"
          icon={<KeyRound size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          hint="Kept in memory only. “Another token” forgets it."
          value={token}
          onValue={setToken}
        />
        <LabelledField
          label="Organisation id, if not the token’s own"
          mono
          value={organisationId}
          hint="Empty: the organisation of the token."
          onValue={(value) => setSetUp({ organisationId: value })}
        />
        <LabelledField
          label="CA file, if the certificate is private"
          mono
          placeholder="/etc/ssl/plant-ca.pem"
          value={caFile}
          hint="A file on this computer."
          onValue={(value) => setSetUp({ caFile: value })}
        />
      </div>
      <label className="mt-2 flex min-h-6 items-center gap-2 text-sm">
        <input
          type="checkbox"
          className="size-3.5 accent-[var(--accent-strong)]"
          checked={acceptInvalidCertificates}
          onChange={(event) => setSetUp({ acceptInvalidCertificates: event.currentTarget.checked })}
        />
        <span className={acceptInvalidCertificates ? 'font-medium text-fail-fg' : 'text-ink-2'}>
          Accept invalid certificates. Whoever stands in between can then take the token.
        </span>
      </label>
      {refused === undefined ? null : (
        <div role="alert" className="mt-5">
          <ErrorNote error={refused} />
        </div>
      )}
      <div className="mt-6 flex items-center gap-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          disabled={!complete || busy}
          onClick={() => void check()}
        >
          {busy ? 'Asking the provider' : 'Check the token'}
        </Button>
        <span className="text-xs text-ink-2">This changes nothing.</span>
      </div>
      <button type="submit" className="visually-hidden" tabIndex={-1}>
        Check the token
      </button>
    </form>
  );
}
