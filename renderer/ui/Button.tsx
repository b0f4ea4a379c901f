import { type ComponentProps, type ReactNode, useId } from 'react';

interface ButtonProps extends Omit<ComponentProps<'button'>, 'type'> {
  /**
   * `primary`: the one button of a screen. `plain`: ordinary. `quiet`: the alternative beside it. `danger`: in place of the
   * primary one where its effect cannot be taken back.
   */
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger';
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
  danger:
    'bg-fail-solid text-on-fail font-semibold border-transparent hover:brightness-110 disabled:bg-fail-bg disabled:text-ink-3 disabled:border-fail-line disabled:hover:brightness-100',
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

/**
 * A button that may have to wait. While there is a reason it does nothing, but it keeps its tab stop and tells why: a
 * disabled one could not.
 */
export function ReasonedButton({
  reason,
  onClick,
  className = '',
  ...rest
}: ButtonProps & { readonly reason: string }) {
  const id = useId();
  const blocked = reason !== '';
  return (
    <>
      <Button
        {...rest}
        aria-disabled={blocked || undefined}
        aria-describedby={blocked ? id : undefined}
        title={blocked ? reason : rest.title}
        className={`${blocked ? '!border-line-2 !bg-transparent !text-ink-3' : ''} ${className}`}
        onClick={blocked ? undefined : onClick}
      />
      <span id={id} hidden>
        {reason}
      </span>
    </>
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
