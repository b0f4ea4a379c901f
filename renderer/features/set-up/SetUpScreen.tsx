import { useEffect } from 'react';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { CheckForm } from './CheckForm.tsx';
import { NamesForm } from './NamesForm.tsx';
import { RunReport } from './RunReport.tsx';
import { followSetUp, useSetUp } from './set-up-store.ts';

const steps = ['Provider and token', 'Names', 'Run and summary'] as const;
const stepOf: Readonly<Record<SetUpView['state'], number>> = {
  ...{ idle: 0, ready: 1, running: 2, done: 2, failed: 2 },
};

/** From an administrator's token to a profile this station works with, in three steps. */
export function SetUpScreen() {
  const view = useSetUp((store) => store.view);
  useEffect(() => followSetUp(), []);
  const at = stepOf[view.state];
  return (
    <section aria-label="Set-up" data-region="table" className="scroll h-full px-10">
      <div className="mx-auto max-w-[880px] pb-10 pt-8">
        <h1 className="text-[26px] font-semibold leading-8">Set up the identity provider</h1>
        <p className="mt-2 text-md leading-6 text-ink-2">
          Finds or makes the project, roles, apps, machine users and keys in Zitadel. A second run changes
          nothing.
        </p>
        <ol className="mt-6 flex gap-8 border-y border-line-2 py-3 text-sm" aria-label="Steps of the set-up">
          {steps.map((word, place) => (
            <li
              key={word}
              aria-current={place === at ? 'step' : undefined}
              className={`flex items-center gap-2 ${place === at ? 'font-semibold text-ink-1' : 'text-ink-3'}`}
            >
              <StateGlyph shape={place < at || view.state === 'done' ? 'tick' : 'circle'} />
              {`${place + 1} ${word}`}
            </li>
          ))}
        </ol>
        <div className="mt-6">
          {view.state === 'idle' ? <CheckForm /> : null}
          {view.state === 'ready' ? <NamesForm view={view} /> : null}
          {view.state === 'running' || view.state === 'done' || view.state === 'failed' ? (
            <RunReport view={view} />
          ) : null}
        </div>
      </div>
    </section>
  );
}
