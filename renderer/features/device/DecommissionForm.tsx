import { KeyRound } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { machineUserName, parseDeviceId } from '#shared/model/device-id.ts';
import type { DecommissionView } from '#shared/model/station-state.ts';
import { parseTarget } from '#shared/model/target.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { CheckField } from '../../ui/CheckField.tsx';
import { TextField } from '../../ui/Field.tsx';
import { whyNoDecommission } from './act-reasons.ts';
import { decommissionError } from './decommission-words.ts';
import { fromWords, useTargets } from './use-targets.ts';

const secretNames = {
  'ssh-password': 'sshPassword',
  'sudo-password': 'sudoPassword',
  'key-passphrase': 'keyPassphrase',
} as const;
const secretWords = {
  'ssh-password': 'SSH password',
  'sudo-password': 'sudo password',
  'key-passphrase': 'Passphrase of the key',
} as const;

/**
 * What is removed, in order, and the question. The second run of the same device goes on with what is left: the id was typed
 * before the first.
 */
export function DecommissionForm({
  deviceId,
  earlier,
  onBegun,
  onClose,
}: {
  readonly deviceId: string;
  readonly earlier: DecommissionView | undefined;
  readonly onBegun: () => void;
  readonly onClose: () => void;
}) {
  const targets = useTargets([deviceId]);
  const [known] = targets.known ?? [];
  const reason = useStation((station) => whyNoDecommission(station, deviceId));
  const [typedId, setTypedId] = useState('');
  const [typedTarget, setTypedTarget] = useState<string | undefined>(undefined);
  const [wishesAgent, setWishesAgent] = useState<boolean | undefined>(undefined);
  const [removeUser, setRemoveUser] = useState(false);
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);

  const target = typedTarget ?? known?.target ?? '';
  const agent = wishesAgent ?? true;
  const address = parseTarget(target);
  const secretNeeded = earlier === undefined ? undefined : decommissionError(earlier)?.secretNeeded;
  const confirmed = earlier !== undefined || typedId.trim() === deviceId;
  const blocked =
    busy ||
    !confirmed ||
    reason !== '' ||
    (agent && !address.ok) ||
    (secretNeeded !== undefined && agent && secret === '');

  const begin = async () => {
    setBusy(true);
    setRefused(undefined);
    const entered =
      secretNeeded !== undefined && secret !== '' ? { [secretNames[secretNeeded]]: secret } : {};
    setSecret('');
    const answer = await call('device.decommission', {
      deviceId,
      ...(agent ? { target, removeUser } : { keepAgent: true }),
      ...entered,
    });
    setBusy(false);
    if (answer.ok) onBegun();
    else setRefused(answer.error);
  };

  const device = (
    <DevicePart
      {...{ agent, target, removeUser }}
      from={typedTarget === undefined && known?.from !== undefined ? fromWords[known.from] : ''}
      says={agent && target !== '' && !address.ok ? address.says : ''}
      onAgent={setWishesAgent}
      onTarget={setTypedTarget}
      onRemoveUser={setRemoveUser}
    >
      {secretNeeded === undefined || !agent ? null : (
        <TextField
          type="password"
          aria-label={secretWords[secretNeeded]}
          placeholder={secretWords[secretNeeded]}
          value={secret}
          icon={<KeyRound size={14} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />}
          className="mt-1.5"
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
      )}
    </DevicePart>
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!blocked) void begin();
      }}
    >
      {earlier === undefined ? (
        <Order device={device} deviceId={deviceId} />
      ) : (
        <div className="mt-3">{device}</div>
      )}
      {earlier === undefined ? <TypeTheId deviceId={deviceId} value={typedId} onValue={setTypedId} /> : null}
      <p className="mt-1.5 min-h-[17px] text-xs leading-[17px] text-fail-fg" role="alert">
        {refused === undefined ? reason : `${refused.says} ${refused.operatorDoes}`}
      </p>
      <div className="mt-1 flex justify-end gap-2">
        <Button kind="quiet" onClick={onClose}>
          {earlier === undefined ? 'Keep the device' : 'Close'}
        </Button>
        <Button
          kind={earlier === undefined ? 'danger' : 'primary'}
          data-primary
          disabled={blocked}
          onClick={() => void begin()}
        >
          {earlier === undefined ? 'Decommission the device' : 'Go on with what is left'}
        </Button>
      </div>
      <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden="true" disabled={blocked} />
    </form>
  );
}

function Order({ deviceId, device }: { readonly deviceId: string; readonly device: ReactNode }) {
  return (
    <>
      <p className="text-sm leading-[19px] text-ink-2">
        Removed in this order. None of it can be taken back.
      </p>
      <ol className="mt-2 list-decimal space-y-1.5 pl-5 text-sm leading-[19px] text-ink-1 marker:text-ink-3">
        <li>Its keys, one by one: it can sign in no more. A token it still holds ends by itself.</li>
        <li>
          Its machine user{' '}
          <span className="mono selectable text-xs [overflow-wrap:anywhere]">{userName(deviceId)}</span> with
          its grant.
        </li>
        <li>{device}</li>
        <li>Its entry among the heartbeats.</li>
      </ol>
    </>
  );
}

function userName(deviceId: string): string {
  const parsed = parseDeviceId(deviceId);
  return parsed.ok ? machineUserName(parsed.id) : deviceId;
}

function DevicePart({
  agent,
  target,
  from,
  says,
  removeUser,
  onAgent,
  onTarget,
  onRemoveUser,
  children,
}: {
  readonly agent: boolean;
  readonly target: string;
  readonly from: string;
  readonly says: string;
  readonly removeUser: boolean;
  readonly onAgent: (agent: boolean) => void;
  readonly onTarget: (target: string) => void;
  readonly onRemoveUser: (removeUser: boolean) => void;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <div className="-mt-[3px] min-w-0">
      <CheckField checked={agent} onChange={onAgent}>
        The agent on the device: service, binary, key and configuration
      </CheckField>
      <div className="pl-[22px]">
        <span className="flex items-center gap-2">
          <TextField
            mono
            aria-label="Address of the device"
            aria-invalid={says !== ''}
            aria-describedby={id}
            placeholder="ssh://pi@10.20.4.42"
            value={target}
            disabled={!agent}
            className="mt-0.5 flex-1"
            onChange={(event) => onTarget(event.currentTarget.value)}
          />
        </span>
        <p
          id={id}
          className={`min-h-[17px] text-xs leading-[17px] ${says === '' ? 'text-ink-2' : 'text-fail-fg'}`}
        >
          {agent
            ? says || [from, 'What cannot be reached is told, the rest is done.'].filter(Boolean).join('. ')
            : 'Nothing is done on the device. Its agent is refused once its token ends.'}
        </p>
        <CheckField checked={removeUser && agent} disabled={!agent} onChange={onRemoveUser}>
          Its user account and home too
        </CheckField>
        {children}
      </div>
    </div>
  );
}

function TypeTheId({
  deviceId,
  value,
  onValue,
}: {
  readonly deviceId: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="mt-4">
      <label htmlFor={id} className="text-sm text-ink-1">
        Type <span className="mono selectable text-xs font-medium [overflow-wrap:anywhere]">{deviceId}</span>{' '}
        to decommission it
      </label>
      <TextField
        id={id}
        mono
        value={value}
        className="mt-1"
        onChange={(event) => onValue(event.currentTarget.value)}
      />
    </div>
  );
}
