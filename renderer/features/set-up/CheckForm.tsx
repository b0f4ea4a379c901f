import { KeyRound } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { TOKEN_KEPT_MINUTES, type TokenForgotten } from '#shared/model/set-up-view.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { LabelledField } from './LabelledField.tsx';
import { FieldGrid, StepForm } from './StepForm.tsx';
import { issuerSays, setSetUp, useSetUp } from './set-up-store.ts';
import { AcceptInvalid, CaFileField } from './TrustFields.tsx';

/** Below the field of the token: how long it is held, or why one that was entered is gone. */
const tokenHints: Readonly<Record<TokenForgotten | 'never', string>> = {
  never: 'Held in memory until the run is done or this screen is left.',
  left: 'Forgotten, because this screen was left. Enter it again.',
  unused: `Forgotten after ${TOKEN_KEPT_MINUTES} minutes without use. Enter it again.`,
  done: 'Forgotten with the end of the run. Enter it to run again.',
};

/** Where the provider is, and the administrator's token. The token is handed over once and forgotten here. */
export function CheckForm({ forgotten }: { readonly forgotten: TokenForgotten | undefined }) {
  const { issuer, organisationId, caFile, acceptInvalidCertificates } = useSetUp();
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const says = issuerSays(issuer);
  const tokenField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (forgotten !== undefined) tokenField.current?.focus();
  }, [forgotten]);

  const check = async () => {
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
    <StepForm
      action={busy ? 'Asking the provider' : 'Check the token'}
      ready={issuer !== '' && says === '' && token !== '' && !busy}
      refused={refused}
      onSubmit={() => void check()}
      beside={<span className="text-xs text-ink-2">This changes nothing.</span>}
    >
      <FieldGrid>
        <LabelledField
          label="Issuer"
          mono
          placeholder="https://sso.example.com"
          hint="The provider’s own address, with its port where it has one."
          value={issuer}
          says={says}
          onValue={(value) => setSetUp({ issuer: value })}
        />
        <LabelledField
          label="Access token of an administrator"
          type="password"
          icon={<KeyRound size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          ref={tokenField}
          hint={tokenHints[forgotten ?? 'never']}
          isNews={forgotten !== undefined}
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
        <CaFileField value={caFile} onValue={(value) => setSetUp({ caFile: value })} />
      </FieldGrid>
      <AcceptInvalid
        checked={acceptInvalidCertificates}
        onChecked={(checked) => setSetUp({ acceptInvalidCertificates: checked })}
      />
    </StepForm>
  );
}
