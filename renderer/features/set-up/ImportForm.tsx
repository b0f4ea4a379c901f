import { FileJson } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { ImportView } from '#shared/model/import-view.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorNote } from '../../ui/ErrorNote.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { useBatchRuns } from '../profiles/ProfileList.tsx';
import { openProfile } from '../profiles/profile-store.ts';
import { ChoiceField } from './ChoiceField.tsx';
import { chooseClientConfig, type ImportAnswers, setAnswers, useImport } from './import-store.ts';
import { LabelledField } from './LabelledField.tsx';
import { NatsField } from './NamesForm.tsx';
import { FieldGrid, StepForm } from './StepForm.tsx';
import { issuerSays, listOf } from './set-up-store.ts';
import { AcceptInvalid, CaFileField } from './TrustFields.tsx';

/** From the file of the fleet's older tooling to a profile: chosen or dropped, looked at, saved and opened. */
export function ImportForm() {
  const { view, refused } = useImport();
  return view === undefined ? <ChooseFile refused={refused} /> : <TakeOver view={view} />;
}

function ChooseFile({ refused }: { readonly refused: ShownError | undefined }) {
  const over = useImport((store) => store.dragged);
  return (
    <>
      <div
        className={`flex flex-col items-center gap-3 rounded-3 border border-dashed px-6 py-10 ${over ? 'border-accent bg-accent-bg' : 'border-line-control'}`}
      >
        <FileJson size={26} strokeWidth={1.5} className="text-ink-3" aria-hidden="true" />
        <p className="text-sm">
          Drop <span className="mono text-xs">client-config.json</span> here
        </p>
        <Button kind="primary" size="large" data-primary onClick={() => void chooseClientConfig()}>
          Choose the file…
        </Button>
        <p className="text-xs text-ink-2">At most 1 MiB. Reading it changes nothing.</p>
      </div>
      {refused === undefined ? null : (
        <div role="alert" className="mt-5">
          <ErrorNote error={refused} />
        </div>
      )}
    </>
  );
}

/** What the file has, what is left out, and what it does not say. */
function TakeOver({ view }: { readonly view: ImportView }) {
  const answers = useImport((store) => store.answers);
  const [refused, setRefused] = useState<ShownError | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const batchRuns = useBatchRuns();
  const head = useRef<HTMLParagraphElement>(null);
  // The button that chose the file is gone with the drop zone.
  useEffect(() => head.current?.focus(), []);
  const says = issuerSays(answers.issuer);
  const save = async () => {
    setBusy(true);
    setRefused(await saveAndOpen(answers));
    setBusy(false);
  };
  return (
    <StepForm
      action={busy ? 'Opening the profile' : 'Save and open the profile'}
      ready={answers.issuer.trim() !== '' && says === '' && !busy && !batchRuns}
      refused={refused}
      onSubmit={() => void save()}
      beside={
        <>
          <Button
            kind="quiet"
            size="large"
            disabled={busy}
            onClick={() => useImport.setState({ view: undefined, refused: undefined })}
          >
            Another file
          </Button>
          {batchRuns ? (
            <span className="text-xs text-ink-2">
              A batch is running. A profile can be opened when it has ended.
            </span>
          ) : null}
        </>
      }
    >
      <p ref={head} tabIndex={-1} role="status" className="selectable flex items-center gap-2 text-sm">
        <StateGlyph shape="tick" />
        <span className="min-w-0 [overflow-wrap:anywhere]">
          <strong className="font-semibold">{view.fileName}</strong> was read. Nothing is written yet.
        </span>
      </p>
      <div className="mt-4">
        <FieldGrid>
          <LabelledField
            label="Issuer"
            mono
            placeholder="https://sso.example.com"
            readOnly={view.issuer !== undefined}
            hint={
              view.issuer === undefined
                ? 'The file does not name it.'
                : 'From the file. It is not changed here.'
            }
            value={answers.issuer}
            says={says}
            onValue={(issuer) => setAnswers({ issuer })}
          />
          <LabelledField
            label="Organisation id"
            mono
            value={answers.organisationId}
            hint={
              view.organisationId === undefined
                ? 'Empty: the organisation of whoever signs in.'
                : 'From the file.'
            }
            onValue={(organisationId) => setAnswers({ organisationId })}
          />
          <ChoiceField
            label="Project"
            choices={view.projects}
            value={answers.project}
            hint="Devices are granted their role on it; it names the profile."
            onValue={(project) => setAnswers({ project })}
          />
          <ChoiceField
            label="App the stations sign in with"
            choices={view.apps}
            value={answers.app}
            hint="Its client id goes into the profile."
            onValue={(app) => setAnswers({ app })}
          />
          <NatsField value={answers.natsUrls} onValue={(natsUrls) => setAnswers({ natsUrls })} />
          <CaFileField value={answers.caFile} onValue={(caFile) => setAnswers({ caFile })} />
        </FieldGrid>
        <AcceptInvalid
          checked={answers.acceptInvalidCertificates}
          onChecked={(acceptInvalidCertificates) => setAnswers({ acceptInvalidCertificates })}
        />
        <LeftOut view={view} answers={answers} />
      </div>
    </StepForm>
  );
}

function LeftOut({ view, answers }: { readonly view: ImportView; readonly answers: ImportAnswers }) {
  const others = [
    ...view.projects.filter(({ name }) => name !== answers.project).map(({ name }) => `Project ${name}`),
    ...view.apps.filter(({ name }) => name !== answers.app).map(({ name }) => `App ${name}`),
  ].map((what) => ({ what, why: 'Not chosen. Import the file once more for a second profile.' }));
  const all = [...others, ...view.ignored];
  if (all.length === 0) return null;
  return (
    <section aria-label="What is left out" className="selectable mt-3 border-t border-line-2 pt-3">
      <h2 className="text-sm font-medium">What is left out</h2>
      <dl className="mt-1.5 grid grid-cols-[minmax(0,240px)_minmax(0,1fr)] gap-x-4 gap-y-1 text-xs leading-[18px]">
        {all.map(({ what, why }) => (
          <div key={what} className="contents">
            <dt className="flex gap-2 [overflow-wrap:anywhere]">
              <StateGlyph shape="chevrons" className="mt-[3px]" />
              <span className="min-w-0">{what}</span>
            </dt>
            <dd className="text-ink-2">{why}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

async function saveAndOpen({ natsUrls, ...answers }: ImportAnswers): Promise<ShownError | undefined> {
  const saved = await call('import.save', { ...answers, natsUrls: listOf(natsUrls) });
  if (!saved.ok) return saved.error;
  const refused = await openProfile(saved.value.id);
  if (refused === undefined) useImport.setState({ view: undefined, refused: undefined });
  return refused;
}
