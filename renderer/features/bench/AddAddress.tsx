import { useId, useState } from 'react';
import { parseDeviceId } from '#shared/model/device-id.ts';
import { parseTarget } from '#shared/model/target.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { TextField } from '../../ui/Field.tsx';
import { setBenchView, useBenchView } from './bench-view.ts';

/** Puts a device on the bench by its address. */
export function AddAddress() {
  const shown = useBenchView((view) => view.addShown);
  return (
    <DialogBox open={shown} onClose={close} title="Add a device by its address">
      <AddForm />
    </DialogBox>
  );
}

function close(): void {
  setBenchView({ addShown: false });
}

function AddForm() {
  const [deviceId, setDeviceId] = useState('');
  const [target, setTarget] = useState('');
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const id = parseDeviceId(deviceId);
  const address = parseTarget(target);
  const idSays = deviceId === '' || id.ok ? '' : id.problem.says;
  const targetSays = target === '' || address.ok ? '' : address.says;
  const complete = id.ok && address.ok;

  const add = async () => {
    if (!complete) return;
    const answer = await call('bench.add', { deviceId, target });
    if (!answer.ok) {
      setRefused(answer.error);
      return;
    }
    setBenchView({ addShown: false, selected: answer.value.rowId });
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <Line
        label="Address"
        example="ssh://pi@10.20.4.42"
        value={target}
        onValue={setTarget}
        says={targetSays}
      />
      <Line label="Device id" example="batch7-049" value={deviceId} onValue={setDeviceId} says={idSays} />
      <p className="min-h-[36px] text-xs text-fail-fg" role="alert">
        {refused === undefined ? '' : `${refused.says} ${refused.operatorDoes}`}
      </p>
      <div className="flex justify-end gap-2">
        <Button kind="quiet" onClick={close}>
          Cancel
        </Button>
        <Button kind="primary" data-primary disabled={!complete} onClick={() => void add()}>
          Add device
        </Button>
      </div>
      <button type="submit" className="visually-hidden" tabIndex={-1}>
        Add device
      </button>
    </form>
  );
}

function Line({
  label,
  example,
  value,
  onValue,
  says,
}: {
  readonly label: string;
  readonly example: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly says: string;
}) {
  const id = useId();
  return (
    <div className="mb-1">
      <label htmlFor={id} className="text-xs text-ink-2">
        {label}
      </label>
      <TextField
        id={id}
        mono
        value={value}
        placeholder={example}
        aria-invalid={says !== ''}
        aria-describedby={`${id}-why`}
        className="mt-0.5"
        onChange={(event) => onValue(event.currentTarget.value)}
      />
      <p id={`${id}-why`} className="min-h-[18px] text-xs text-fail-fg">
        {says}
      </p>
    </div>
  );
}
