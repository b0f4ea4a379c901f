import { Play } from 'lucide-react';
import { useState } from 'react';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { act, call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { LabelledField } from './LabelledField.tsx';
import { listOf, setSetUp, useSetUp } from './set-up-store.ts';

type Ready = Extract<SetUpView, { state: 'ready' }>;

const userName = /^(?!device-)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const roleName = /^[^\s,=]{1,200}$/;

/** Begins the run with what is typed. Gives why not. */
export async function startSetUp(offered: string): Promise<ShownError | undefined> {
  const store = useSetUp.getState();
  const answer = await call('setup.run', {
    project: store.project.trim(),
    deviceApp: store.deviceApp.trim(),
    apiApp: store.apiApp.trim(),
    roles: listOf(store.roles),
    machineUsers: listOf(store.machineUsers).map((name) => ({ name, roles: ['device'] })),
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
  const wrongUser = listOf(store.machineUsers).find((name) => !userName.test(name));
  const wrongRole = listOf(store.roles).find((name) => !roleName.test(name));
  const userSays =
    wrongUser === undefined ? '' : `${wrongUser}: letters, digits, ". _ -" only, and not "device-…".`;
  const roleSays = wrongRole === undefined ? '' : `${wrongRole}: no spaces and no "=".`;
  const says = [needed(store.project), needed(store.deviceApp), needed(store.apiApp), userSays, roleSays];
  const start = async () => setRefused(await startSetUp(view.folder));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (says.every((one) => one === '')) void start();
      }}
    >
      <p className="selectable flex items-center gap-2 text-sm" role="status">
        <StateGlyph shape={view.missingRights.length === 0 ? 'tick' : 'triangle'} />
        <span>
          {'The token speaks for the organisation '}
          <strong className="font-semibold">{view.organisation.name}</strong>
          {', '}
          <span className="mono text-xs">{view.organisation.id}</span>
          {`, at ${view.issuer}.`}
        </span>
      </p>
      {view.missingRights.length === 0 ? null : (
        <p className="selectable mt-1.5 pl-5 text-sm text-attn-fg">
          {`It may not: ${view.missingRights.join(', ')}. Ask for ORG_OWNER, or the run stops before its first change.`}
        </p>
      )}
      <div className="mt-5 grid grid-cols-2 gap-x-8 gap-y-2">
        <LabelledField
          label="Project"
          value={store.project}
          says={says[0] ?? ''}
          hint="Devices are granted the role device on it."
          onValue={(project) => setSetUp({ project })}
        />
        <LabelledField
          label="Further roles"
          placeholder="operator, viewer"
          value={store.roles}
          says={roleSays}
          hint="Beside device, separated by commas."
          onValue={(roles) => setSetUp({ roles })}
        />
        <LabelledField
          label="App the stations sign in with"
          value={store.deviceApp}
          says={says[1] ?? ''}
          hint="Native, with device code and refresh token."
          onValue={(deviceApp) => setSetUp({ deviceApp })}
        />
        <LabelledField
          label="App of the messaging service"
          value={store.apiApp}
          says={says[2] ?? ''}
          hint="A resource server that checks tokens."
          onValue={(apiApp) => setSetUp({ apiApp })}
        />
        <LabelledField
          label="Machine users"
          placeholder="nats-auth, collector"
          value={store.machineUsers}
          says={userSays}
          hint="Each gets a key file. Empty: none."
          onValue={(machineUsers) => setSetUp({ machineUsers })}
        />
        <LabelledField
          label="NATS"
          mono
          placeholder="tls://nats.example.com:4222"
          value={store.natsUrls}
          hint="Where heartbeats arrive; goes into the profile."
          onValue={(natsUrls) => setSetUp({ natsUrls })}
        />
        <div className="col-span-2">
          <LabelledField
            label="Profile, client config and keys are kept in"
            mono
            placeholder={view.folder}
            value={store.folder}
            hint={`Empty: ${view.folder}. Keys cannot be read again; only this account may open the folder.`}
            onValue={(folder) => setSetUp({ folder })}
          />
        </div>
      </div>
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
          disabled={says.some((one) => one !== '')}
          icon={<Play size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void start()}
        >
          Run the set-up
        </Button>
        <Button kind="quiet" size="large" onClick={() => void leaveSetUp()}>
          Another token
        </Button>
      </div>
      <button type="submit" className="visually-hidden" tabIndex={-1}>
        Run the set-up
      </button>
    </form>
  );
}
