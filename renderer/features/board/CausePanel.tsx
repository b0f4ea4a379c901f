import { ClockArrowUp, KeyRound, LogIn, Replace, RotateCw } from 'lucide-react';
import { useId, useMemo, useRef, useState } from 'react';
import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { useStation } from '../../app/station-store.ts';
import { countOf } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { TextField } from '../../ui/Field.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { retryDevices, signInToGoOn, type Wish } from './board-actions.ts';
import { openDevice, setBoardView } from './board-view.ts';
import { type Cause, groupCauses, sharedLogin } from './causes.ts';
import { Legend } from './Legend.tsx';

const MOST_CHIPS = 6;

/** What failed, by cause, each with its remedy and one button. */
export function CausePanel({ rows }: { readonly rows: readonly EnrollmentRow[] }) {
  const known = useRef<readonly string[]>([]);
  const causes = useMemo(() => {
    const groups = groupCauses(rows, known.current);
    const codes = groups.map((cause) => cause.code);
    known.current = [...known.current, ...codes.filter((code) => !known.current.includes(code))];
    return groups;
  }, [rows]);
  const devices = causes.reduce((sum, cause) => sum + cause.deviceIds.length, 0);
  const calm = useStation(({ batch }) =>
    batch?.state === 'finished' ? 'Nothing failed in this batch.' : 'Every device is on its way.',
  );
  const awaiting = useMemo(() => rows.filter((row) => row.state === 'awaiting-sign-in'), [rows]);
  const primary = awaiting.length > 0 ? undefined : causes.find((cause) => cause.retry !== 'never')?.code;
  return (
    <aside data-region="panel" aria-label="What needs you" className="flex h-full min-h-0 flex-col bg-panel">
      <h2 className="flex h-[var(--h-toolbar)] shrink-0 items-center gap-2.5 border-b border-line-2 px-4 text-sm font-semibold">
        What needs you
        <span className="text-xs font-normal text-ink-2">
          {summaryOf(devices, causes.length, awaiting.length)}
        </span>
      </h2>
      <div className="scroll min-h-0 flex-1">
        {awaiting.length === 0 ? null : <AwaitedSignIn rows={awaiting} />}
        {causes.map((cause) => (
          <CauseBlock key={cause.code} cause={cause} primary={cause.code === primary} />
        ))}
        {devices + awaiting.length === 0 ? <p className="px-4 py-3.5 text-xs text-ink-2">{calm}</p> : null}
      </div>
      <Legend />
    </aside>
  );
}

function summaryOf(failed: number, causes: number, awaiting: number): string {
  const parts: string[] = [];
  if (awaiting > 0) parts.push('a sign-in');
  if (failed > 0) parts.push(`${countOf(failed, 'device')}, ${countOf(causes, 'cause')}`);
  return parts.length === 0 ? 'nothing' : parts.join('; ');
}

/** Nothing has failed: one sign-in, and all of them go on. */
function AwaitedSignIn({ rows }: { readonly rows: readonly EnrollmentRow[] }) {
  const one = rows.length === 1;
  return (
    <section aria-label="Waits for a sign-in" className="border-b border-line-2 px-4 pb-4 pt-2.5">
      <div className="grid grid-cols-[12px_minmax(0,1fr)_auto] gap-x-2">
        <StateGlyph shape="clock" className="mt-[7px]" />
        <h3 className="mt-[3px] text-[14px] font-semibold leading-5">Waits for a sign-in</h3>
        <span className="text-num-sm font-medium leading-[26px]">{rows.length}</span>
      </div>
      <div className="pl-5">
        <p className="caption mt-0.5 text-xs leading-[17px] text-ink-2">
          {`The sign-in has ended. ${one ? 'This device holds its place and has' : 'These devices hold their places and have'} lost nothing.`}
        </p>
        <DeviceChips deviceIds={rows.map((row) => row.deviceId)} />
        <p className="mt-2 text-sm leading-[18px] text-ink-1">
          {`Sign in. ${one ? 'It goes' : 'They all go'} on where ${one ? 'it was' : 'they were'}, by ${one ? 'itself' : 'themselves'}.`}
        </p>
        <div className="mt-3">
          <Button
            kind="primary"
            data-primary
            icon={<LogIn size={14} strokeWidth={1.75} aria-hidden="true" />}
            onClick={signInToGoOn}
          >
            Sign in and go on
          </Button>
        </div>
      </div>
    </section>
  );
}

function CauseBlock({ cause, primary }: { readonly cause: Cause; readonly primary: boolean }) {
  const count = cause.deviceIds.length;
  const first = cause.deviceIds[0] ?? '';
  return (
    <section
      aria-label={cause.title}
      data-cause={cause.code}
      className="border-b border-line-2 px-4 pb-4 pt-2.5"
    >
      <div className="grid grid-cols-[12px_minmax(0,1fr)_auto] gap-x-2">
        <StateGlyph shape="octagon" className="mt-[7px]" />
        <h3 className="mt-[3px] text-[14px] font-semibold leading-5">{cause.title}</h3>
        <span className="text-num-sm font-medium leading-[26px]">{count}</span>
      </div>
      <div className="pl-5">
        <p className="selectable caption mt-0.5 break-words text-xs leading-[17px] text-ink-2">
          {count === 1 ? (
            <>
              <button type="button" className="mono text-ink-1 hover:underline" onClick={() => select(first)}>
                {first}
              </button>
              {': '}
            </>
          ) : null}
          {cause.says}
        </p>
        {count > 1 ? <DeviceChips deviceIds={cause.deviceIds} /> : null}
        <p className="mt-2 text-sm leading-[18px] text-ink-1">{cause.operatorDoes}</p>
        <RetryForm cause={cause} primary={primary} />
      </div>
    </section>
  );
}

function select(deviceId: string): void {
  setBoardView({ selected: deviceId });
}

function DeviceChips({ deviceIds }: { readonly deviceIds: readonly string[] }) {
  const rest = deviceIds.length - MOST_CHIPS;
  return (
    <p className="mt-2 flex flex-wrap items-center gap-1.5">
      {deviceIds.slice(0, MOST_CHIPS).map((deviceId) => (
        <button
          key={deviceId}
          type="button"
          title={deviceId}
          onClick={() => select(deviceId)}
          className="label-chip mono hover:border-line-control"
        >
          {deviceId}
        </button>
      ))}
      {rest > 0 ? <span className="text-xs text-ink-2">and {rest} more</span> : null}
    </p>
  );
}

/** What the field beside a cause shows while it is empty; it fits whoever logs in. */
const secretWords = {
  'key-passphrase': 'Passphrase',
  'ssh-password': 'SSH password',
  'sudo-password': 'sudo password',
} as const;

/** What the field beside a cause asks for, in full. A passphrase is the key's and no user's. */
function secretLabel(kind: NonNullable<Cause['secretNeeded']>, user: string | undefined): string {
  if (kind === 'key-passphrase') return 'Passphrase of the key';
  return user === undefined ? secretWords[kind] : `${secretWords[kind]} for ${user}`;
}

/** What the other board has to do with the ids. */
function otherBoard({ code }: Cause): string {
  return code === 'DEVICE_ID_IN_USE' ? 'another board is alive with' : 'another board was given';
}

function RetryForm({ cause, primary }: { readonly cause: Cause; readonly primary: boolean }) {
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const usual = useStation((station) => station.profile?.sshUser);
  const user = sharedLogin(cause.targets, usual);
  const fieldId = useId();
  const { secretNeeded, offer } = cause;
  const first = cause.deviceIds[0] ?? '';
  if (cause.retry === 'never') {
    return (
      <div className="mt-3 flex gap-2">
        <Button onClick={() => openDevice(first)}>Open log</Button>
      </div>
    );
  }
  const label = secretNeeded === undefined ? '' : secretLabel(secretNeeded, user);
  const retry = async (wish: Wish = {}) => {
    if (secretNeeded !== undefined && secret === '') {
      document.getElementById(fieldId)?.focus();
      return;
    }
    setBusy(true);
    const entered =
      secretNeeded === undefined || secret === '' ? undefined : { kind: secretNeeded, text: secret };
    setSecret('');
    await retryDevices(cause.deviceIds, entered, wish);
    setBusy(false);
  };
  return (
    <form
      className="mt-3 flex flex-wrap items-center gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        void retry();
      }}
    >
      {secretNeeded === undefined ? null : (
        <TextField
          id={fieldId}
          type="password"
          aria-label={label}
          placeholder={secretWords[secretNeeded]}
          title={label}
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
          icon={<KeyRound size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          className="flex-1"
        />
      )}
      {offer === 'set-clock' ? (
        <Button
          kind={primary ? 'primary' : 'plain'}
          icon={<ClockArrowUp size={14} strokeWidth={1.75} aria-hidden="true" />}
          data-primary={primary || undefined}
          disabled={busy}
          onClick={() => void retry({ setClock: true })}
        >
          {`Set the clock and retry ${cause.deviceIds.length}`}
        </Button>
      ) : null}
      {offer === 'take-over' ? (
        <Button
          icon={<Replace size={14} strokeWidth={1.75} aria-hidden="true" />}
          disabled={busy}
          onClick={() => setAsked(true)}
        >
          {`Take over ${cause.deviceIds.length === 1 ? 'the id' : `${cause.deviceIds.length} ids`}…`}
        </Button>
      ) : null}
      <DialogBox open={asked} onClose={() => setAsked(false)} title="Take over the id">
        <p className="selectable text-sm leading-[19px] text-ink-2 [overflow-wrap:anywhere]">
          {`${cause.deviceIds.join(', ')}: ${otherBoard(cause)} ${cause.deviceIds.length === 1 ? 'this id' : 'these ids'}. The board on the bench gets a new key. Once it reports, every older key is deleted, and the other board is shut out for good.`}
        </p>
        <div className="mt-5 flex justify-end gap-2">
          <Button kind="quiet" onClick={() => setAsked(false)}>
            Leave it as it is
          </Button>
          <Button
            kind="primary"
            data-primary
            onClick={() => {
              setAsked(false);
              void retry({ takeOver: true });
            }}
          >
            {`Take over and retry ${cause.deviceIds.length}`}
          </Button>
        </div>
      </DialogBox>
      <Button
        kind={primary && offer === undefined ? 'primary' : 'plain'}
        icon={<RotateCw size={14} strokeWidth={1.75} aria-hidden="true" />}
        data-primary={(primary && offer === undefined) || undefined}
        disabled={busy}
        onClick={() => void retry()}
      >
        {`Retry ${cause.deviceIds.length}`}
      </Button>
      {secretNeeded === undefined && offer === undefined ? (
        <Button kind="quiet" onClick={() => openDevice(first)}>
          Open log
        </Button>
      ) : null}
    </form>
  );
}
