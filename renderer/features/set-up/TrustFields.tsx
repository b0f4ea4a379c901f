import { LabelledField } from './LabelledField.tsx';

/** A CA of one's own. */
export function CaFileField({
  value,
  onValue,
}: {
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  return (
    <LabelledField
      label="CA file, if the certificate is private"
      mono
      placeholder="/etc/ssl/plant-ca.pem"
      value={value}
      hint="A file on this computer."
      onValue={onValue}
    />
  );
}

/** The switch that turns the check of certificates off, and what that means. */
export function AcceptInvalid({
  checked,
  onChecked,
}: {
  readonly checked: boolean;
  readonly onChecked: (checked: boolean) => void;
}) {
  return (
    <label className="mt-2 flex min-h-6 items-center gap-2 text-sm">
      <input
        type="checkbox"
        className="size-3.5 accent-[var(--accent-strong)]"
        checked={checked}
        onChange={(event) => onChecked(event.currentTarget.checked)}
      />
      <span className={checked ? 'font-medium text-fail-fg' : 'text-ink-2'}>
        Accept invalid certificates. Whoever stands in between can then take the token.
      </span>
    </label>
  );
}
