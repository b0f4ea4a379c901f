import type { ComponentProps, ReactNode } from 'react';

interface TextFieldProps extends Omit<ComponentProps<'input'>, 'className'> {
  readonly icon?: ReactNode;
  readonly trailing?: ReactNode;
  readonly mono?: boolean;
  /** With the edge of a toolbar, where the field is not what the screen is about. */
  readonly quiet?: boolean;
  readonly className?: string;
}

/** One line of text, 28 px high, with an icon before and something after it. */
export function TextField({
  icon,
  trailing,
  mono = false,
  quiet = false,
  className = '',
  ...input
}: TextFieldProps) {
  return (
    <span
      className={`flex h-7 min-w-0 items-center gap-2 rounded-2 border bg-raised px-2 ${quiet ? 'border-line-2' : 'border-line-control'} text-ink-3 focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-focus has-[[aria-invalid=true]]:border-fail-solid ${className}`}
    >
      {icon}
      <input
        spellCheck={false}
        autoComplete="off"
        className={`selectable h-full min-w-0 flex-1 bg-transparent text-sm text-ink-1 outline-none ${mono ? 'mono text-xs' : ''}`}
        {...input}
      />
      {trailing}
    </span>
  );
}

/** A filter field for a toolbar: `/` brings the focus here, Escape empties it. */
export function FilterField({
  value,
  onValueChange,
  placeholder,
  icon,
  trailing,
  className = 'w-[216px]',
}: {
  readonly value: string;
  readonly onValueChange: (value: string) => void;
  readonly placeholder: string;
  readonly icon: ReactNode;
  readonly trailing: ReactNode;
  readonly className?: string;
}) {
  return (
    <TextField
      icon={icon}
      trailing={trailing}
      quiet
      className={className}
      aria-label={placeholder}
      placeholder={placeholder}
      value={value}
      data-filter-field
      onChange={(event) => onValueChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        if (value === '') event.currentTarget.blur();
        else onValueChange('');
      }}
    />
  );
}
