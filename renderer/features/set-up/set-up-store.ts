import { create } from 'zustand';
import type { SetUpView, TokenForgotten } from '#shared/model/set-up-view.ts';
import { call, listen } from '../../app/bridge.ts';
import { reportFailure } from '../../app/failures.ts';

/** What the operator has typed, secrets apart. It stays over every refusal. */
interface SetUpStore {
  /** The two ways to a profile: a provider that is set up now, or the file of the older tooling. */
  readonly way: 'provider' | 'import';
  readonly view: SetUpView;
  readonly issuer: string;
  readonly organisationId: string;
  readonly caFile: string;
  readonly acceptInvalidCertificates: boolean;
  readonly project: string;
  readonly deviceApp: string;
  readonly apiApp: string;
  /** Separated by commas. */
  readonly roles: string;
  readonly machineUsers: readonly MachineUserRow[];
  readonly natsUrls: string;
  /** Empty: as the station offers it. */
  readonly folder: string;
}

/** One machine user as it is typed. */
export interface MachineUserRow {
  /** Keeps the row's fields and focus together while others come and go. */
  readonly key: number;
  readonly name: string;
  /** Separated by commas. */
  readonly roles: string;
}

export const useSetUp = create<SetUpStore>(() => ({
  way: 'provider',
  view: { state: 'idle' },
  issuer: '',
  organisationId: '',
  caFile: '',
  acceptInvalidCertificates: false,
  project: 'fleet',
  deviceApp: 'Muster station',
  apiApp: 'Muster API',
  roles: '',
  machineUsers: [],
  natsUrls: '',
  folder: '',
}));

/** Changes part of what was typed. */
export function setSetUp(part: Partial<SetUpStore>): void {
  useSetUp.setState(part);
}

/** Takes up how the set-up stands, and follows it. Gives the function that ends it, and with it the use of the token. */
export function followSetUp(): () => void {
  void call('setup.view').then((answer) => {
    if (answer.ok) useSetUp.setState({ view: answer.value });
    else reportFailure(answer.error);
  });
  const unfollow = listen('setup.changed', (next) =>
    useSetUp.setState(({ view }) => ({ view: followed(view, next) })),
  );
  return () => {
    unfollow();
    void leaveScreen();
  };
}

/** Where names are changed after a failed run, the token that goes is news, and the failure is not. */
function followed(view: SetUpView, next: SetUpView): SetUpView {
  const isTokenGone = next.state === 'failed' && next.forgotten !== undefined;
  return view.state === 'ready' && isTokenGone ? tokenAsked(next.forgotten) : next;
}

/** The first step again, with why the token has to be entered. */
export function tokenAsked(forgotten: TokenForgotten | undefined): SetUpView {
  return { state: 'idle', forgotten };
}

async function leaveScreen(): Promise<void> {
  const answer = await call('setup.leaveScreen');
  if (answer.ok) useSetUp.setState({ view: answer.value });
  // An engine that is gone has taken the token with it, as it does when another profile is opened.
  else if (answer.error.code !== 'STATION_ENGINE_LOST') reportFailure(answer.error);
}

/** The parts of a list in one field. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** What is wrong with an issuer as it is typed; empty where nothing is, or nothing is typed yet. */
export function issuerSays(issuer: string): string {
  return issuer === '' || /^https?:\/\/[^/\s]+/.test(issuer) ? '' : 'An address begins with https://.';
}
