import type { ReactNode } from 'react';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';

/**
 * One step of the set-up: fields, why it was refused, and the button that goes on. Enter in a field and Ctrl Enter do what
 * the button does, and nothing while it cannot be pressed.
 */
export function StepForm({
  action,
  icon,
  ready,
  refused,
  onSubmit,
  beside,
  children,
}: {
  readonly action: string;
  readonly icon?: ReactNode;
  readonly ready: boolean;
  readonly refused: ShownError | undefined;
  readonly onSubmit: () => void;
  /** Right of the button: a quiet alternative, or what the button does not do. */
  readonly beside: ReactNode;
  readonly children: ReactNode;
}) {
  const submit = () => {
    if (ready) onSubmit();
  };
  return (
    <form
      // What is hidden from the eye scrolls with the screen and does not lengthen the page.
      className="relative"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {children}
      {refused === undefined ? null : (
        <div role="alert" className="mt-5">
          <ErrorNote error={refused} />
        </div>
      )}
      <div className="mt-6 flex items-center gap-3">
        <Button kind="primary" size="large" data-primary disabled={!ready} icon={icon} onClick={submit}>
          {action}
        </Button>
        {beside}
      </div>
      {/* Enter in a field needs a button to submit with; the one above is no submit button. */}
      <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden="true">
        {action}
      </button>
    </form>
  );
}

/** The fields of a step, two beside each other. */
export function FieldGrid({ children }: { readonly children: ReactNode }) {
  return <div className="grid grid-cols-2 gap-x-8 gap-y-2">{children}</div>;
}
