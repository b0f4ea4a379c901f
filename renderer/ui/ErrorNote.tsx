import type { ReactNode } from 'react';
import { StateGlyph } from './StateGlyph.tsx';

/** The sentences of an error and its stable code. */
interface NotedError {
  readonly code: string;
  readonly says: string;
  readonly cause: string;
  readonly operatorDoes: string;
}

/** An error in its place: what happened, the code, then cause and remedy side by side; buttons after them. */
export function ErrorNote({
  error,
  children,
}: {
  readonly error: NotedError;
  readonly children?: ReactNode;
}) {
  return (
    <section aria-label="Error" className="border-l-[3px] border-fail-solid bg-fail-bg/70 px-5 py-4">
      <h2 className="flex gap-2.5 text-[16px] font-semibold leading-6">
        <StateGlyph shape="octagon" size={14} className="mt-[5px]" />
        <span className="selectable min-w-0 [overflow-wrap:anywhere]">{error.says}</span>
      </h2>
      <p className="mono selectable mt-0.5 pl-6 text-xs text-fail-fg">{error.code}</p>
      <div className="selectable mt-3 grid grid-cols-2 gap-x-8 pl-6">
        <Advice title="Likely cause" text={error.cause} />
        <Advice title="What to do" text={error.operatorDoes} />
      </div>
      {children === undefined ? null : <div className="mt-3 flex gap-2 pl-4">{children}</div>}
    </section>
  );
}

/** One of the two columns under an error. */
export function Advice({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <div className="min-w-0">
      <h3 className="caption text-xs font-normal text-ink-2">{title}</h3>
      <p className="mt-0.5 text-[14px] leading-[19px] text-ink-1 [overflow-wrap:anywhere]">{text}</p>
    </div>
  );
}
