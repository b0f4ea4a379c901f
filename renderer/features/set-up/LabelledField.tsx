import { type ComponentProps, useId } from 'react';
import { TextField } from '../../ui/Field.tsx';

/** A field with its name above, and below it what it is for or what is wrong with it. */
export function LabelledField({
  label,
  hint,
  says = '',
  isNews = false,
  onValue,
  ...field
}: Omit<ComponentProps<typeof TextField>, 'onChange' | 'id'> & {
  readonly label: string;
  readonly hint?: string;
  /** What is wrong. */
  readonly says?: string;
  /** The hint tells what has happened, and is to be seen. */
  readonly isNews?: boolean;
  readonly onValue: (value: string) => void;
}) {
  const id = useId();
  const colour = isNews ? 'text-attn-fg' : 'text-ink-3';
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="text-xs text-ink-2">
        {label}
      </label>
      <TextField
        id={id}
        aria-invalid={says !== ''}
        aria-describedby={`${id}-more`}
        className="mt-0.5"
        onChange={(event) => onValue(event.currentTarget.value)}
        {...field}
      />
      <p
        id={`${id}-more`}
        className={`mt-1 min-h-[18px] text-xs leading-[18px] ${says === '' ? colour : 'text-fail-fg'}`}
      >
        {says === '' ? hint : says}
      </p>
    </div>
  );
}
