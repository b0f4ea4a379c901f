/** The box of a table row. The grid holds the focus and handles the keys, so it is not a tab stop. */
export function CheckMark({
  state,
  disabled = false,
  label,
  onToggle,
}: {
  readonly state: 'on' | 'off' | 'some';
  readonly disabled?: boolean;
  readonly label: string;
  readonly onToggle: () => void;
}) {
  const filled = state !== 'off';
  return (
    <button
      type="button"
      role="checkbox"
      aria-checked={state === 'some' ? 'mixed' : filled}
      aria-label={label}
      tabIndex={-1}
      disabled={disabled}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
      className="-m-[5px] flex size-6 items-center justify-center disabled:opacity-60"
    >
      <span
        className={`flex size-3.5 items-center justify-center rounded-1 border ${filled ? 'border-accent-strong bg-accent-strong text-on-accent' : 'border-line-control'}`}
      >
        {filled ? (
          <svg width="10" height="10" viewBox="0 0 12 12" fill="none" aria-hidden="true">
            <path
              d={state === 'some' ? 'M2 6h8' : 'M2 6.4 4.9 9.2 10 3.2'}
              stroke="currentColor"
              strokeWidth="2"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
          </svg>
        ) : null}
      </span>
    </button>
  );
}
