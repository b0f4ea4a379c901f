import { KeyRound } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Lamp } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { formatCount } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { type GlyphShape, StateGlyph } from '../../ui/StateGlyph.tsx';
import { openTokenForm, useTokenForm } from './token-form.ts';

/** What waits for this sign-in, what it allows, and whether it is remembered. */
export function ApprovalPanel() {
  const devices = useStation((station) => station.bench.length);
  const first = useStation(
    (station) => station.bench.find((row) => row.problem === undefined && row.deviceId !== '')?.deviceId,
  );
  const project = useStation((station) => station.profile?.projectId);
  const keychain = useStation((station) => station.lamps.keychain);
  const name = useStation((station) => station.profile?.name);
  const showsCode = useStation((station) => station.session.state === 'awaiting-approval');
  const byToken = useTokenForm((form) => form.shown);
  const example =
    first === undefined || first === ''
      ? 'device-<id>'
      : `device-${first}${devices > 1 ? ` and ${formatCount(devices - 1)} more` : ''}`;
  return (
    <aside
      data-region="panel"
      aria-label="What you approve"
      className="scroll min-h-0 w-[320px] shrink-0 border-l border-line-2 bg-panel wide:w-[404px]"
    >
      <Part title="What is waiting">
        <p className="mt-1 flex items-baseline gap-2.5">
          <span className="text-[52px] font-semibold leading-[58px]">{formatCount(devices)}</span>
          <span className="text-md">{`${devices === 1 ? 'device' : 'devices'} on the bench`}</span>
        </p>
        <p className="mt-1.5 text-sm leading-[19px] text-ink-2">
          {devices === 0
            ? 'Add devices on the Bench. Signing in changes nothing on them.'
            : `Nothing on ${devices === 1 ? 'it' : 'them'} has been changed yet. Signing in changes nothing; you start the batch.`}
        </p>
      </Part>
      <Part title="What you approve">
        <ul className="mt-2.5 flex flex-col gap-2">
          <Item shape="circle" says="Create a machine user for each device" more={example} />
          <Item
            shape="circle"
            says="Give it the role device"
            more={project === undefined ? 'on the project of the fleet' : `on project ${project}`}
          />
          <Item
            shape="circle"
            says="Register one key per device"
            more="delivered to the device, kept nowhere else"
          />
        </ul>
      </Part>
      <Part title="Remembering you">
        <ul className="mt-2.5 flex flex-col gap-2">
          <Item shape={keychainShapes[keychain.state]} {...keychainWords(keychain)} />
          {byToken ? (
            <Item
              shape="circle"
              says="An access token is not renewed"
              more="forgotten on sign-out, not revoked"
            />
          ) : keychain.state === 'ok' ? (
            <Item shape="tick" says="The sign-in renews itself" more="removed and revoked on sign-out" />
          ) : null}
        </ul>
      </Part>
      <Part title="Trouble?">
        <p className="mt-1.5 text-sm leading-[19px] text-ink-2">
          {`${showsCode ? 'Check that the code on the page equals the one shown here. ' : ''}If the page reports an unknown client, an admin has to correct the client id in the profile ${name ?? ''}.`}
        </p>
        {byToken ? null : (
          <Button
            size="small"
            className="mt-2.5"
            icon={<KeyRound size={13} strokeWidth={1.7} aria-hidden="true" />}
            onClick={() => void openTokenForm()}
          >
            Use an access token instead
          </Button>
        )}
      </Part>
    </aside>
  );
}

const keychainShapes: Readonly<Record<Lamp['state'], GlyphShape>> = {
  ok: 'tick',
  working: 'ring',
  waiting: 'circle',
  attention: 'triangle',
  failed: 'octagon',
};

function keychainWords(lamp: Lamp): { says: string; more: string } {
  if (lamp.state === 'ok') {
    return {
      says: 'System keychain is open',
      more: lamp.detail ?? 'The sign-in is kept there until you sign out',
    };
  }
  if (lamp.state === 'working' || lamp.state === 'waiting') {
    return { says: 'Looking for a keychain', more: lamp.detail ?? lamp.word };
  }
  return { says: 'Not remembered', more: lamp.detail ?? lamp.word };
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="border-b border-line-2 px-5 pb-[22px] pt-4 last:border-b-0">
      <h2 className="text-sm font-semibold leading-5">{title}</h2>
      {children}
    </section>
  );
}

function Item({
  shape,
  says,
  more,
}: {
  readonly shape: GlyphShape;
  readonly says: string;
  readonly more: string;
}) {
  return (
    <li className="grid grid-cols-[12px_minmax(0,1fr)] gap-x-2">
      <StateGlyph shape={shape} className="mt-1" />
      <div>
        <p className="text-[13.5px] leading-5">{says}</p>
        <p className="truncate text-sm leading-[17px] text-ink-2" title={more}>
          {more}
        </p>
      </div>
    </li>
  );
}
