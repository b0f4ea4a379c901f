import { type DragEvent, useEffect } from 'react';
import type { SetUpView } from '#shared/model/set-up-view.ts';
import { FilterTabs } from '../../ui/FilterTabs.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { CheckForm } from './CheckForm.tsx';
import { ImportForm } from './ImportForm.tsx';
import { dropClientConfig, useImport } from './import-store.ts';
import { NamesForm } from './NamesForm.tsx';
import { RunReport } from './RunReport.tsx';
import { followSetUp, setSetUp, useSetUp } from './set-up-store.ts';

const steps = ['Provider and token', 'Names', 'Run and summary'] as const;
const stepOf: Readonly<Record<SetUpView['state'], number>> = {
  ...{ idle: 0, ready: 1, running: 2, done: 2, failed: 2 },
};

const ways = [
  { value: 'provider', word: 'Set up an identity provider' },
  { value: 'import', word: 'Import a client config' },
] as const;

/** The two ways to a profile this station works with. A client config may be dropped anywhere on the screen. */
export function SetUpScreen() {
  const way = useSetUp((store) => store.way);
  useEffect(() => followSetUp(), []);
  const hold = (event: DragEvent, dragged: boolean) => {
    event.preventDefault();
    if (useImport.getState().dragged !== dragged) useImport.setState({ dragged });
  };
  return (
    <section
      aria-label="Set-up"
      data-region="table"
      className="scroll h-full px-10"
      onDragOver={(event) => hold(event, true)}
      onDragLeave={(event) => hold(event, false)}
      onDrop={(event) => {
        hold(event, false);
        const [file] = event.dataTransfer.files;
        if (file !== undefined) void dropClientConfig(file);
      }}
    >
      <div className="mx-auto max-w-[880px] pb-10 pt-4">
        <div className="mb-5 h-9 border-b border-line-2">
          <FilterTabs
            label="Ways to a profile"
            tabs={ways}
            value={way}
            onValueChange={(next) => setSetUp({ way: next })}
          />
        </div>
        {way === 'provider' ? <ProviderWay /> : <ImportWay />}
      </div>
    </section>
  );
}

/** From an administrator's token to a profile, in three steps. */
function ProviderWay() {
  const view = useSetUp((store) => store.view);
  const at = stepOf[view.state];
  return (
    <>
      <Head
        title="Set up the identity provider"
        says="Finds or makes the project, roles, apps, machine users and keys in Zitadel. A second run changes nothing."
      />
      <ol className="mt-5 flex gap-8 border-y border-line-2 py-3 text-sm" aria-label="Steps of the set-up">
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
        {view.state === 'idle' ? <CheckForm forgotten={view.forgotten} /> : null}
        {view.state === 'ready' ? <NamesForm view={view} /> : null}
        {view.state === 'running' || view.state === 'done' || view.state === 'failed' ? (
          <RunReport view={view} />
        ) : null}
      </div>
    </>
  );
}

function ImportWay() {
  return (
    <>
      <Head
        title="Import a client config"
        says="Makes a profile out of the file that the fleet’s older tooling keeps. Nothing is changed at the provider."
      />
      <div className="mt-6">
        <ImportForm />
      </div>
    </>
  );
}

function Head({ title, says }: { readonly title: string; readonly says: string }) {
  return (
    <>
      <h1 className="text-[26px] font-semibold leading-8">{title}</h1>
      <p className="mt-2 text-md leading-6 text-ink-2">{says}</p>
    </>
  );
}
