import type { ComponentProps, ReactNode } from 'react';

interface ButtonProps extends Omit<ComponentProps<'button'>, 'type'> {
  /** `primary`: the one button of a screen. `plain`: ordinary. `quiet`: the alternative beside it. */
  readonly kind?: 'primary' | 'plain' | 'quiet';
  readonly size?: 'small' | 'normal' | 'large' | 'huge';
  readonly icon?: ReactNode;
  /** Shortcut that does the same. */
  readonly shortcut?: string;
}

const kinds = {
  primary:
    'bg-accent-strong text-on-accent font-semibold border-transparent hover:brightness-110 disabled:bg-accent-bg disabled:text-ink-3 disabled:border-accent-line disabled:hover:brightness-100',
  plain:
    'bg-raised text-ink-1 font-medium border-line-2 hover:bg-hover hover:border-line-control disabled:text-ink-3 disabled:bg-transparent disabled:hover:border-line-2',
  quiet: 'text-ink-2 font-medium border-transparent hover:bg-hover hover:text-ink-1 disabled:text-ink-3',
} as const;

const sizes = {
  small: 'h-6 px-2 text-xs gap-1.5',
  normal: 'h-7 px-2.5 text-sm gap-2',
  large: 'h-10 px-4 text-[14px] gap-2',
  huge: 'h-12 px-4 text-[17px] gap-2',
} as const;

/** A button. Its text names its effect and, where it acts on several, how many. */
export function Button({
  kind = 'plain',
  size = 'normal',
  icon,
  shortcut,
  children,
  className = '',
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      className={`inline-flex shrink-0 items-center justify-center whitespace-nowrap rounded-2 border ${sizes[size]} ${kind === 'quiet' && size === 'large' ? '!px-3' : ''} ${kinds[kind]} ${className}`}
      {...rest}
    >
      {icon}
      <span>{children}</span>
      {shortcut === undefined ? null : <Kbd onAccent={kind === 'primary'}>{shortcut}</Kbd>}
    </button>
  );
}

/** A key of the keyboard. */
export function Kbd({
  children,
  onAccent = false,
}: {
  readonly children: ReactNode;
  readonly onAccent?: boolean;
}) {
  const colours = onAccent ? 'border-current opacity-80' : 'border-line-2 bg-table text-ink-2';
  return (
    <kbd
      className={`caption rounded-1 border px-1.5 py-px font-ui text-2xs font-medium leading-row ${colours}`}
    >
      {children}
    </kbd>
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'type' | 'children'> {
  /** What it does; spoken, and shown on hover. */
  readonly label: string;
  readonly icon: ReactNode;
}

/** A button that shows an icon only. */
export function IconButton({ label, icon, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-7 shrink-0 items-center justify-center rounded-2 text-ink-2 hover:bg-hover hover:text-ink-1 disabled:text-line-control ${className}`}
      {...rest}
    >
      {icon}
    </button>
  );
}
