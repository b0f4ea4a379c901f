import { create } from 'zustand';
import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import { type ImportView, MAX_CLIENT_CONFIG_LENGTH } from '#shared/model/import-view.ts';
import { call } from '../../app/bridge.ts';
import type { ShownError } from '../../app/failures.ts';
import { setSetUp } from './set-up-store.ts';

/** What the operator says beside the file. */
export interface ImportAnswers {
  readonly issuer: string;
  readonly organisationId: string;
  readonly project: string;
  readonly app: string;
  /** Separated by commas. */
  readonly natsUrls: string;
  readonly caFile: string;
  readonly acceptInvalidCertificates: boolean;
}

interface ImportStore {
  /** The file that was read; nothing of it is written yet. */
  readonly view: ImportView | undefined;
  /** Why the last file was not taken. */
  readonly refused: ShownError | undefined;
  readonly answers: ImportAnswers;
  /** A file is held over the screen. */
  readonly dragged: boolean;
}

export const useImport = create<ImportStore>(() => ({
  view: undefined,
  refused: undefined,
  answers: {
    ...{ issuer: '', organisationId: '', project: '', app: '', natsUrls: '', caFile: '' },
    acceptInvalidCertificates: false,
  },
  dragged: false,
}));

/** Changes part of what was said. */
export function setAnswers(part: Partial<ImportAnswers>): void {
  useImport.setState(({ answers }) => ({ answers: { ...answers, ...part } }));
}

/** Asks for the file and takes it up. */
export async function chooseClientConfig(): Promise<void> {
  const answer = await call('import.chooseFile');
  if (!answer.ok) refuse(answer.error);
  else if (answer.value !== null) takeUp(answer.value);
}

/** Takes a dropped file up. It goes to the main process as text, and is understood there. */
export async function dropClientConfig(file: File): Promise<void> {
  setSetUp({ way: 'import' });
  if (file.size > MAX_CLIENT_CONFIG_LENGTH) {
    refuse(toErrorView(notTaken(file, 'it is larger than 1 MiB.')));
    return;
  }
  let text: string;
  try {
    text = await file.text();
  } catch (thrown) {
    // A folder, or a file that is gone by now.
    refuse(toErrorView(notTaken(file, 'it cannot be read.', thrown)));
    return;
  }
  const answer = await call('import.read', { fileName: file.name.slice(0, 300) || 'client config', text });
  if (answer.ok) takeUp(answer.value);
  else refuse(answer.error);
}

function takeUp(view: ImportView): void {
  useImport.setState(({ answers }) => ({
    view,
    refused: undefined,
    answers: {
      ...answers,
      issuer: view.issuer ?? answers.issuer,
      organisationId: view.organisationId ?? '',
      project: view.projects[0]?.name ?? '',
      app: view.apps[0]?.name ?? '',
    },
  }));
}

function refuse(refused: ShownError): void {
  useImport.setState({ view: undefined, refused });
}

function notTaken(file: File, problem: string, cause?: unknown): EnrollmentError {
  return new EnrollmentError('STATION_CLIENT_CONFIG_INVALID', {
    details: { path: file.name, problem },
    subject: file.name,
    cause,
  });
}
