import { Play } from 'lucide-react';
import { useState } from 'react';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { act, call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { LabelledField } from './LabelledField.tsx';
import { MachineUsers, machineUsersOf, rolesSay, userSays } from './MachineUsers.tsx';
import { FieldGrid, StepForm } from './StepForm.tsx';
import { listOf, setSetUp, useSetUp } from './set-up-store.ts';

type Ready = Extract<SetUpView, { state: 'ready' }>;

/** Begins the run with what is typed. Gives why not. */
export async function startSetUp(offered: string): Promise<ShownError | undefined> {
  const store = useSetUp.getState();
  const answer = await call('setup.run', {
    project: store.project.trim(),
    deviceApp: store.deviceApp.trim(),
    apiApp: store.apiApp.trim(),
    roles: listOf(store.roles),
    machineUsers: machineUsersOf(store.machineUsers),
    natsUrls: listOf(store.natsUrls),
    folder: store.folder.trim() === '' ? offered : store.folder.trim(),
  });
  return answer.ok ? undefined : answer.error;
}

/** Forgets the token and begins anew; what was typed stays. */
export async function leaveSetUp(): Promise<void> {
  if (await act('setup.leave')) setSetUp({ view: { state: 'idle' } });
}

/** Whom the token speaks for, and the names of what is to be there. */
export function NamesForm({ view }: { readonly view: Ready }) {
  const store = useSetUp();
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const needed = (value: string) => (value.trim() === '' ? 'A name is needed.' : '');
  const says = {
    project: needed(store.project),
    deviceApp: needed(store.deviceApp),
    apiApp: needed(store.apiApp),
    roles: rolesSay(store.roles),
  };
  const users = store.machineUsers;
  const ready = [...Object.values(says), ...users.map((row) => userSays(row, users))].every(
    (one) => one === '',
  );
  return (
    <StepForm
      action="Run the set-up"
      icon={<Play size={16} strokeWidth={1.75} aria-hidden="true" />}
      ready={ready}
      refused={refused}
      onSubmit={() => void startSetUp(view.folder).then(setRefused)}
      beside={
        <Button kind="quiet" size="large" onClick={() => void leaveSetUp()}>
          Another token
        </Button>
      }
    >
      <Found view={view} />
      <div className="mt-4">
        <FieldGrid>
          <LabelledField
            label="Project"
            value={store.project}
            says={says.project}
            hint="Devices are granted the role device on it."
            onValue={(project) => setSetUp({ project })}
          />
          <LabelledField
            label="Further roles"
            placeholder="operator, viewer"
            value={store.roles}
            says={says.roles}
            hint="Beside device, separated by commas."
            onValue={(roles) => setSetUp({ roles })}
          />
          <LabelledField
            label="App the stations sign in with"
            value={store.deviceApp}
            says={says.deviceApp}
            hint="Native, with device code and refresh token."
            onValue={(deviceApp) => setSetUp({ deviceApp })}
          />
          <LabelledField
            label="App of the messaging service"
            value={store.apiApp}
            says={says.apiApp}
            hint="A resource server that checks tokens."
            onValue={(apiApp) => setSetUp({ apiApp })}
          />
          <NatsField value={store.natsUrls} onValue={(natsUrls) => setSetUp({ natsUrls })} />
          <LabelledField
            label="Folder of the results"
            mono
            placeholder={view.folder}
            value={store.folder}
            hint="Profile, client config and keys, for this account only."
            onValue={(folder) => setSetUp({ folder })}
          />
        </FieldGrid>
        <MachineUsers />
      </div>
    </StepForm>
  );
}

/** Where the fleet's heartbeats arrive. */
export function NatsField({
  value,
  onValue,
}: {
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  return (
    <LabelledField
      label="NATS"
      mono
      placeholder="tls://nats.example.com:4222"
      value={value}
      hint="Where heartbeats arrive; goes into the profile."
      onValue={onValue}
    />
  );
}

/** What the check has found out: whose token it is, where it works, and whether it may do all that is needed. */
function Found({ view }: { readonly view: Ready }) {
  const complete = view.missingRights.length === 0;
  return (
    <section aria-label="What the token may do" className="selectable border-l-2 border-line-2 pl-4">
      <p role="status" className="flex items-center gap-2 text-sm">
        <StateGlyph shape={complete ? 'tick' : 'triangle'} />
        {complete ? 'The token may do all that the set-up needs.' : 'The token does not have all rights.'}
      </p>
      <dl className="mt-1.5 grid grid-cols-[104px_minmax(0,1fr)] gap-y-0.5 pl-5 text-xs leading-[18px]">
        <dt className="text-ink-2">Token of</dt>
        <dd className="[overflow-wrap:anywhere]">
          {view.account ?? <span className="text-ink-3">not named by the provider</span>}
        </dd>
        <dt className="text-ink-2">Organisation</dt>
        <dd className="[overflow-wrap:anywhere]">
          {`${view.organisation.name}, `}
          <span className="mono">{view.organisation.id}</span>
        </dd>
        <dt className="text-ink-2">Provider</dt>
        <dd className="[overflow-wrap:anywhere]">
          <span className="mono">{view.issuer}</span>
          {`, ${apiWords[view.api]}`}
        </dd>
      </dl>
      {complete ? null : (
        <p className="mt-1.5 pl-5 text-sm text-attn-fg">
          {`It may not: ${view.missingRights.join(', ')}. Ask for ORG_OWNER, or the run stops before its first change.`}
        </p>
      )}
    </section>
  );
}

const apiWords: Readonly<Record<Ready['api'], string>> = {
  v1: 'API v1, the older one',
  v2: 'API v2',
};
