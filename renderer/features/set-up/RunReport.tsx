import { Copy, RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { SetUpItemView, SetUpView, TokenForgotten } from '#shared/model/set-up-view.ts';
import { act } from '../../app/bridge.ts';
import { reportFailure } from '../../app/failures.ts';
import { countOf } from '../../lib/format.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';
import { type GlyphShape, StateGlyph } from '../../ui/StateGlyph.tsx';
import { useBatchRuns } from '../profiles/ProfileList.tsx';
import { openSetUpProfile } from '../profiles/profile-store.ts';
import { leaveSetUp, startSetUp } from './NamesForm.tsx';
import { setSetUp, tokenAsked } from './set-up-store.ts';

type Ran = Extract<SetUpView, { state: 'running' | 'done' | 'failed' }>;

const kindWords: Readonly<Record<SetUpItemView['kind'], string>> = {
  organisation: 'Organisation',
  project: 'Project',
  role: 'Role',
  'device-app': 'Station app',
  'api-app': 'API app',
  'machine-user': 'Machine user',
  grant: 'Grant',
  key: 'Key',
  file: 'File',
};

const stateWords: Readonly<
  Record<SetUpItemView['state'], { readonly word: string; readonly shape: GlyphShape }>
> = {
  created: { word: 'created', shape: 'tick' },
  already: { word: 'already there', shape: 'bars' },
  changed: { word: 'changed', shape: 'undo' },
  'would-create': { word: 'would create', shape: 'circle' },
  'would-change': { word: 'would change', shape: 'circle' },
};

/** What was found, made and put right, line by line; at the end the profile, or why it stopped. */
export function RunReport({ view }: { readonly view: Ran }) {
  return (
    <>
      <p role="status" className="text-md font-medium leading-6">
        {headline(view)}
      </p>
      <table aria-label="What the set-up did" className="mt-3 w-full table-fixed border-collapse text-sm">
        <colgroup>
          <col className="w-[128px]" />
          <col />
          <col className="w-[136px]" />
          <col className="w-[44%]" />
        </colgroup>
        <thead className="visually-hidden">
          <tr>
            {['What', 'Name', 'State', 'Id or place'].map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {view.items.map((item) => (
            <Line key={`${item.kind} ${item.name}`} item={item} />
          ))}
          {view.state === 'running' ? <NextLine /> : null}
        </tbody>
      </table>
      {view.state === 'failed' ? (
        <div role="alert" className="mt-5">
          <ErrorNote error={view.error} />
        </div>
      ) : null}
      {view.state === 'done' ? (
        <dl className="selectable mt-5 grid grid-cols-[120px_minmax(0,1fr)] gap-y-1.5 text-sm">
          <dt className="text-ink-2">Profile</dt>
          <dd className="mono text-xs leading-5 [overflow-wrap:anywhere]">{view.profilePath}</dd>
          <dt className="text-ink-2">Keys</dt>
          <dd className="mono text-xs leading-5 [overflow-wrap:anywhere]">{`${view.folder}/keys`}</dd>
        </dl>
      ) : null}
      <Actions view={view} />
    </>
  );
}

function headline(view: Ran): string {
  if (view.state === 'running') return `Setting up ${view.issuer}.`;
  if (view.state === 'failed') return 'The set-up stopped. What was made stays, and the next run finds it.';
  return view.changes === 0
    ? 'Everything is already there. Nothing was changed.'
    : `The provider is set up, ${countOf(view.changes, 'change')}.`;
}

function Line({ item }: { readonly item: SetUpItemView }) {
  const { word, shape } = stateWords[item.state];
  return (
    <tr className="h-[var(--h-row)] border-b border-line-1">
      <td className="text-ink-2">{kindWords[item.kind]}</td>
      <td className="truncate pr-4 font-medium" title={item.name}>
        {item.name}
      </td>
      <td>
        <span className="flex items-center gap-2">
          <StateGlyph shape={shape} />
          {word}
        </span>
      </td>
      <td>
        <span className="flex items-center gap-1">
          <span className="mono selectable truncate text-xs text-ink-2" title={item.id ?? item.note}>
            {item.id ?? item.note ?? ''}
          </span>
          {item.id === undefined ? null : (
            <IconButton
              label={`Copy the id of ${item.name}`}
              className="!size-6"
              icon={<Copy size={13} strokeWidth={1.7} aria-hidden="true" />}
              onClick={() => void act('device.copyEvidence', { text: item.id ?? '' })}
            />
          )}
        </span>
      </td>
    </tr>
  );
}

function NextLine() {
  return (
    <tr className="h-[var(--h-row)] text-ink-3">
      <td colSpan={4}>
        <span className="flex items-center gap-2">
          <StateGlyph shape="ring" />
          Looking for the next
        </span>
      </td>
    </tr>
  );
}

function Actions({ view }: { readonly view: Ran }) {
  const [busy, setBusy] = useState(false);
  const batchRuns = useBatchRuns();
  const forgotten = view.state === 'failed' ? view.forgotten : 'done';
  // The names that were typed stay; the issuer may be one of before the window was loaded anew.
  const askToken = () => setSetUp({ view: tokenAsked(forgotten), issuer: view.issuer });
  const again = async () => {
    if (forgotten !== undefined) return askToken();
    const refused = await startSetUp(view.folder);
    if (refused !== undefined) reportFailure(refused);
  };
  const open = async () => {
    setBusy(true);
    const opened = await openSetUpProfile();
    setBusy(false);
    if (opened) setSetUp({ view: { state: 'idle' } });
  };
  if (view.state === 'running') {
    return (
      <div className="mt-6">
        <Button size="large" onClick={() => void leaveSetUp()}>
          Stop
        </Button>
      </div>
    );
  }
  const done = view.state === 'done';
  return (
    <div className="mt-6 flex items-center gap-3">
      {done ? (
        <Button
          kind="primary"
          size="large"
          data-primary
          disabled={busy || batchRuns}
          onClick={() => void open()}
        >
          {busy ? 'Opening the profile' : 'Open this profile'}
        </Button>
      ) : null}
      <Button
        kind={done ? 'plain' : 'primary'}
        size="large"
        data-primary={done ? undefined : true}
        icon={<RotateCw size={16} strokeWidth={1.75} aria-hidden="true" />}
        onClick={() => void again()}
      >
        {done ? 'Run again' : 'Try again'}
      </Button>
      {done ? null : (
        <Button
          kind="quiet"
          size="large"
          onClick={() => {
            if (forgotten !== undefined) return askToken();
            const { issuer, api, account, organisation, missingRights, folder } = view;
            const whose = account === undefined ? {} : { account };
            setSetUp({
              view: { state: 'ready', issuer, api, ...whose, organisation, missingRights, folder },
            });
          }}
        >
          Change the names
        </Button>
      )}
      <span className="text-xs text-ink-2">
        {done && batchRuns
          ? 'A batch is running. The profile can be opened when it has ended.'
          : tokenSays(forgotten)}
      </span>
    </div>
  );
}

/** What has become of the administrator's token. */
function tokenSays(forgotten: TokenForgotten | undefined): string {
  return forgotten === undefined
    ? 'The token is held until this screen is left.'
    : 'The token is forgotten. To run again, enter it again.';
}
