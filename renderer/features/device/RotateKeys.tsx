import { KeyRound } from 'lucide-react';
import { useId, useState } from 'react';
import { parseTarget } from '#shared/model/target.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { useStation } from '../../app/station-store.ts';
import { countOf } from '../../lib/format.ts';
import { Button, ReasonedButton } from '../../ui/Button.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { TextField } from '../../ui/Field.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { whyNoRotation } from './act-reasons.ts';
import { fromWords, type KnownTarget, useTargets } from './use-targets.ts';

/** Asks once, then gives the devices new keys; how it goes is on the Board, as with an enrollment. */
export function RotateKeysButton({
  deviceIds,
  label,
  size,
}: {
  readonly deviceIds: readonly string[];
  readonly label: string;
  readonly size?: 'small' | 'normal';
}) {
  const [asked, setAsked] = useState<readonly string[] | undefined>(undefined);
  const reason = useStation((station) => whyNoRotation(station, deviceIds));
  const count = asked?.length ?? 0;
  return (
    <>
      <ReasonedButton
        reason={reason}
        {...(size === undefined ? {} : { size })}
        icon={<KeyRound size={14} strokeWidth={1.75} aria-hidden="true" />}
        onClick={() => setAsked(deviceIds)}
      >
        {label}
      </ReasonedButton>
      <DialogBox
        open={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={count === 1 ? `New key for ${asked?.[0] ?? ''}` : `New keys for ${countOf(count, 'device')}`}
        width={540}
      >
        {asked === undefined ? null : <Question deviceIds={asked} onClose={() => setAsked(undefined)} />}
      </DialogBox>
    </>
  );
}

const steps = [
  'Each device gets a new key: made on the device itself where the profile and the provider allow it.',
  'Its agent restarts with the new key and is away for a few seconds.',
  'Once a heartbeat came with the new key, the old one is deleted. If none comes, both keys stay and the Board says why.',
];

function Question({
  deviceIds,
  onClose,
}: {
  readonly deviceIds: readonly string[];
  readonly onClose: () => void;
}) {
  const targets = useTargets(deviceIds);
  const reason = useStation((station) => whyNoRotation(station, deviceIds));
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const known = targets.known ?? [];
  const lone = known.length === 1 && known[0]?.target === undefined ? known[0] : undefined;
  const address = parseTarget(typed);
  const ready = known.filter(({ target, problem }) => target !== undefined && problem === undefined);
  const devices =
    lone === undefined
      ? ready.map(({ deviceId, target }) => ({ deviceId, ...(target === undefined ? {} : { target }) }))
      : address.ok
        ? [{ deviceId: lone.deviceId, target: typed }]
        : [];
  const error = refused ?? targets.error;

  const rotate = async () => {
    setBusy(true);
    const answer = await call('fleet.rotateKeys', { devices });
    setBusy(false);
    if (answer.ok) onClose();
    else setRefused(answer.error);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (devices.length > 0 && reason === '' && !busy) void rotate();
      }}
    >
      <ol className="list-decimal space-y-1 pl-5 text-sm leading-[19px] text-ink-2 marker:text-ink-3">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {lone === undefined ? (
        <TargetList known={targets.known} />
      ) : (
        <LoneTarget typed={typed} onTyped={setTyped} says={typed === '' || address.ok ? '' : address.says} />
      )}
      <p className="mt-2 min-h-[34px] text-xs leading-[17px] text-fail-fg" role="alert">
        {error === undefined ? reason : `${error.says} ${error.operatorDoes}`}
      </p>
      <div className="mt-2 flex justify-end gap-2">
        <Button kind="quiet" onClick={onClose}>
          {deviceIds.length === 1 ? 'Keep the key' : 'Keep the keys'}
        </Button>
        <Button
          kind="primary"
          data-primary
          disabled={busy || devices.length === 0 || reason !== ''}
          onClick={() => void rotate()}
        >
          {targets.known === undefined || lone !== undefined || devices.length === 1
            ? 'Rotate the key'
            : `Rotate ${countOf(devices.length, 'key')}`}
        </Button>
      </div>
    </form>
  );
}

/** Where each device is reached, and which stay out; the list has its room before the answer is there. */
function TargetList({ known }: { readonly known: readonly KnownTarget[] | undefined }) {
  const out = (known ?? []).filter(({ target, problem }) => target === undefined || problem !== undefined);
  const inside = (known ?? []).filter((one) => !out.includes(one));
  const heading =
    known === undefined ? 'Looking up where they are reached' : reachedWords(inside.length, out.length);
  return (
    <section className="mt-4" aria-label="Devices">
      <h3 className="text-xs font-semibold leading-5">{heading}</h3>
      <ul
        className="scroll selectable mt-1 max-h-[156px] min-h-[26px] border-y border-line-2 outline-offset-[-2px]"
        tabIndex={inside.length + out.length > 6 ? 0 : undefined}
      >
        {[...out, ...inside].map((one) => (
          <li
            key={one.deviceId}
            className="flex h-[26px] items-center gap-2 border-b border-line-1 text-xs last:border-b-0"
          >
            {out.includes(one) ? <StateGlyph shape="triangle" /> : <span className="w-3" />}
            <span className="mono w-[132px] shrink-0 truncate font-medium" title={one.deviceId}>
              {one.deviceId}
            </span>
            <TargetWords one={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function TargetWords({ one }: { readonly one: KnownTarget }) {
  if (one.problem !== undefined)
    return (
      <span
        className="min-w-0 truncate text-ink-1"
        title={one.problem.says}
      >{`stays out: ${one.problem.says}`}</span>
    );
  if (one.target === undefined || one.from === undefined)
    return <span className="text-ink-1">stays out: add it on the Bench with its address</span>;
  return (
    <>
      <span className="mono min-w-0 truncate text-ink-1" title={one.target}>
        {one.target}
      </span>
      <span className="ml-auto shrink-0 pl-2 text-ink-2">{fromWords[one.from]}</span>
    </>
  );
}

function reachedWords(inside: number, out: number): string {
  const reached = `${countOf(inside, 'device')} reached`;
  if (out === 0) return reached;
  return `${reached}, ${out} ${out === 1 ? 'stays' : 'stay'} out`;
}

function LoneTarget({
  typed,
  onTyped,
  says,
}: {
  readonly typed: string;
  readonly onTyped: (text: string) => void;
  readonly says: string;
}) {
  const id = useId();
  return (
    <div className="mt-4">
      <label htmlFor={id} className="text-xs text-ink-2">
        Address of the device: this station has not met it yet
      </label>
      <TextField
        id={id}
        mono
        value={typed}
        placeholder="ssh://pi@10.20.4.42"
        aria-invalid={says !== ''}
        aria-describedby={`${id}-why`}
        className="mt-0.5"
        onChange={(event) => onTyped(event.currentTarget.value)}
      />
      <p id={`${id}-why`} className="min-h-[18px] text-xs text-fail-fg">
        {says}
      </p>
    </div>
  );
}
