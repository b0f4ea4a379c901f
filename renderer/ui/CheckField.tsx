import { type ReactNode, useId } from 'react';

/** A box with its sentence, in a form. */
export function CheckField({
  checked,
  onChange,
  disabled = false,
  children,
}: {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <span className="flex min-h-6 items-center gap-2">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
        className="size-3.5 shrink-0 accent-[var(--accent-strong)]"
      />
      <label htmlFor={id} className={`text-sm leading-[18px] ${disabled ? 'text-ink-3' : 'text-ink-1'}`}>
        {children}
      </label>
    </span>
  );
}
