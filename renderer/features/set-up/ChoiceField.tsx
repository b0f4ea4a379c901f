import { ChevronDown } from 'lucide-react';
import { useId } from 'react';
import { ChoiceMenu } from '../../ui/ChoiceMenu.tsx';

interface NamedId {
  readonly name: string;
  readonly id: string;
}

/** One of several things with a name and an id. The only one there is stands as text. */
export function ChoiceField({
  label,
  choices,
  value,
  hint,
  onValue,
}: {
  readonly label: string;
  readonly choices: readonly NamedId[];
  readonly value: string;
  readonly hint: string;
  readonly onValue: (name: string) => void;
}) {
  const id = useId();
  const chosen = choices.find(({ name }) => name === value);
  const shown = (
    <span className="flex min-w-0 flex-1 items-baseline gap-2 text-left">
      <span className="truncate text-sm text-ink-1">{value}</span>
      <span className="mono truncate text-xs text-ink-2">{chosen?.id}</span>
    </span>
  );
  return (
    <div className="min-w-0">
      <span id={id} className="text-xs text-ink-2">
        {label}
      </span>
      {choices.length < 2 ? (
        <span className="selectable mt-0.5 flex h-7 items-center">{shown}</span>
      ) : (
        <ChoiceMenu
          value={value}
          choices={choices.map((choice) => ({ value: choice.name, word: `${choice.name}  ${choice.id}` }))}
          onChoose={onValue}
          trigger={
            <button
              type="button"
              aria-label={`${label}: ${value}`}
              className="mt-0.5 flex h-7 w-full min-w-0 items-center gap-2 rounded-2 border border-line-control bg-raised px-2"
            >
              {shown}
              <ChevronDown size={14} strokeWidth={1.7} className="shrink-0 text-ink-3" aria-hidden="true" />
            </button>
          }
        />
      )}
      <p className="min-h-[18px] text-xs leading-[18px] text-ink-3">{hint}</p>
    </div>
  );
}
