import { Fragment } from 'react';

const MARK = '[redacted]';

/** Text in which every `[redacted]` stands as a chip, so that nobody takes it for output. */
export function RedactedText({ text }: { readonly text: string }) {
  const parts = text.split(MARK);
  return parts.map((part, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text never change places
    <Fragment key={place}>
      {part}
      {place < parts.length - 1 ? (
        <span className="rounded-1 bg-undo-bg px-1 text-undo-fg">{MARK}</span>
      ) : null}
    </Fragment>
  ));
}
