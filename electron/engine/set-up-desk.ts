import { existsSync } from 'node:fs';
import path from 'node:path';
import { createSetUpPorts } from '#shared/adapters/create-set-up.ts';
import type { ProxyChoice } from '#shared/adapters/http/proxy.ts';
import { silentLogger } from '#shared/adapters/log/logger.ts';
import { systemClock } from '#shared/adapters/system/clock.ts';
import { checkProfile, parseProfile } from '#shared/adapters/system/profile-file.ts';
import { systemRandom } from '#shared/adapters/system/random.ts';
import { createSetUpFolder } from '#shared/adapters/system/set-up-folder.ts';
import type { Input, Output, SetUpChannel } from '#shared/contract/ipc.ts';
import type { Clock } from '#shared/engine/ports.ts';
import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import type { Profile } from '#shared/model/profile.ts';
import { Secret } from '#shared/model/secret.ts';
import {
  type SetUpItemView,
  type SetUpNames,
  type SetUpView,
  TOKEN_KEPT_MINUTES,
  type TokenForgotten,
} from '#shared/model/set-up-view.ts';
import { type SetUpRequest, setUpRequestSchema } from '#shared/setup/request.ts';
import { PROFILE_FILE, type ProfileIdentity, setUp } from '#shared/setup/set-up.ts';
import type { HostedSetUp } from './host.ts';

const CHECK_LIMIT_MS = 30_000;
const RUN_LIMIT_MS = 10 * 60_000;

interface Checked {
  readonly profile: Profile;
  readonly token: Secret;
  readonly view: Extract<SetUpView, { state: 'ready' }>;
}

export interface SetUpDeskOptions {
  readonly userDataDir: string;
  readonly publish: (view: SetUpView) => void;
  readonly proxyFor: ProxyChoice;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * The guided set-up of an identity provider, for the window. It keeps the administrator's token in memory, gives it to
 * nobody, and forgets it as soon as the run is done, the screen is left, or nothing was done with it for a while. A run that
 * is under way goes on behind another screen, and takes the token with it when it ends; only what failed before the eyes of
 * the person who entered it can be tried again without it.
 */
export class SetUpDesk implements HostedSetUp {
  readonly #options: SetUpDeskOptions;
  #view: SetUpView = { state: 'idle' };
  #checked: Checked | undefined;
  #checking: AbortController | undefined;
  #running: AbortController | undefined;
  /** Somebody looks at the set-up. */
  #isOnScreen = false;
  #cancelLimit: () => void = () => undefined;
  /** Where the newest run has its results: who runs again is to find them there. */
  #results: { readonly issuer: string; readonly folder: string } | undefined;

  constructor(options: SetUpDeskOptions) {
    this.#options = options;
  }

  /** @throws EnrollmentError of the provider, of the folder, or of what was entered */
  async handle<C extends SetUpChannel>(channel: C, input: Input<C>): Promise<Output<C>> {
    return (await this.#handlers[channel](input as never)) as Output<C>;
  }

  /** Stops a run and a check, and forgets the token. */
  leave(): void {
    this.#running?.abort(new Error('The set-up was left.'));
    this.#forgetToken();
    this.#view = { state: 'idle' };
  }

  /** Nobody looks any more: the token is forgotten now, or with the end of the run that needs it. */
  #leaveScreen(): SetUpView {
    this.#isOnScreen = false;
    if (this.#view.state !== 'running') this.#forgetToken();
    this.#view = withoutToken(this.#view, 'left');
    return this.#view;
  }

  /** A check that is under way stores none either. */
  #forgetToken(): void {
    this.#checking?.abort(new Error('The set-up was left.'));
    this.#checked = undefined;
    this.#cancelLimit();
  }

  #keepToken(checked: Checked): void {
    this.#cancelLimit();
    this.#checked = checked;
    this.#cancelLimit = this.#options.clock.after(TOKEN_KEPT_MINUTES * 60_000, () => {
      this.#forgetToken();
      this.#show(withoutToken(this.#view, 'unused'));
    });
  }

  #show(view: SetUpView): void {
    this.#view = view;
    this.#options.publish(view);
  }

  readonly #handlers: {
    readonly [C in SetUpChannel]: (input: Input<C>) => Output<C> | Promise<Output<C>>;
  } = {
    'setup.view': () => {
      this.#isOnScreen = true;
      return this.#view;
    },
    'setup.check': (input) => this.#check(input),
    'setup.run': (names) => this.#begin(names),
    'setup.leaveScreen': () => this.#leaveScreen(),
    'setup.leave': () => {
      this.leave();
      return null;
    },
  };

  async #check(input: Input<'setup.check'>): Promise<SetUpView> {
    if (this.#running !== undefined) throw new EnrollmentError('STATION_BUSY');
    const { issuer, organisationId, caFile, acceptInvalidCertificates } = input;
    const profile = checkProfile(
      {
        name: 'set-up',
        identity: {
          issuer: issuer.trim().replace(/\/+$/, ''),
          // Neither is there yet, and nothing of a set-up asks for them.
          ...{ client_id: 'none', project_id: 'none' },
          ...(filled(organisationId) === undefined ? {} : { org_id: filled(organisationId) }),
          ...(filled(caFile) === undefined ? {} : { ca_file: filled(caFile) }),
          danger_accept_invalid_certs: acceptInvalidCertificates === true,
        },
        agent: { binaries: {} },
      },
      'set-up',
    );
    const token = new Secret(input.token.trim());
    this.#checking?.abort(new Error('Another token was entered.'));
    const checking = new AbortController();
    this.#checking = checking;
    this.#isOnScreen = true;
    try {
      const view = await this.#ask(profile, token, checking.signal);
      checking.signal.throwIfAborted();
      this.#keepToken({ profile, token, view });
      this.#view = view;
      return view;
    } catch (thrown) {
      // Whoever has left is told nothing, and finds the set-up as it was left.
      if (checking.signal.aborted) return this.#view;
      throw thrown;
    } finally {
      if (this.#checking === checking) this.#checking = undefined;
    }
  }

  /** Whom the token speaks for, where, and whether it may do all that is needed. */
  async #ask(profile: Profile, token: Secret, left: AbortSignal): Promise<Checked['view']> {
    const signal = AbortSignal.any([left, AbortSignal.timeout(CHECK_LIMIT_MS)]);
    const { proxyFor } = this.#options;
    const ports = await createSetUpPorts({
      ...{ profile, token, variable: TOKEN_FROM, logger: silentLogger, proxyFor, signal },
    });
    try {
      const organisation = await ports.administration.organisation(signal);
      const { account, api } = await ports.administration.caller(signal);
      const missingRights = [...(await ports.administration.missingRights(signal))];
      const folder = this.#folderFor(profile.identity.issuer);
      return {
        ...({ state: 'ready', issuer: profile.identity.issuer } as const),
        ...{ api, organisation, missingRights, folder },
        ...(account === undefined ? {} : { account }),
      };
    } finally {
      ports.close();
    }
  }

  /** A first profile goes where the next start looks for it; a later one beside it, never over it. A second run has that of the first. */
  #folderFor(issuer: string): string {
    if (this.#results?.issuer === issuer) return this.#results.folder;
    const { userDataDir } = this.#options;
    if (!existsSync(path.join(userDataDir, PROFILE_FILE))) return userDataDir;
    return path.join(userDataDir, 'set-up', new URL(issuer).host.replace(/[^\w.-]/g, '-'));
  }

  #begin(names: SetUpNames): null {
    const checked = this.#checked;
    if (this.#running !== undefined) throw new EnrollmentError('STATION_BUSY');
    if (checked === undefined) throw requestInvalid('the provider was not asked yet; enter its token again');
    const request = readRequest(checked.profile.identity.issuer, names);
    const running = new AbortController();
    this.#running = running;
    this.#results = { issuer: checked.profile.identity.issuer, folder: path.resolve(names.folder) };
    // The run has it from here on: how long it takes is no idle time.
    this.#forgetToken();
    void this.#run(checked, request, names, running);
    return null;
  }

  async #run(
    checked: Checked,
    request: SetUpRequest,
    names: SetUpNames,
    running: AbortController,
  ): Promise<void> {
    const { profile, token, view } = checked;
    const signal = AbortSignal.any([running.signal, AbortSignal.timeout(RUN_LIMIT_MS)]);
    const common = { ...view, folder: path.resolve(names.folder) };
    const items: SetUpItemView[] = [];
    const show = (next: SetUpView): void => {
      if (!running.signal.aborted) this.#show(next);
    };
    show({ ...common, state: 'running', items });
    try {
      const ports = await createSetUpPorts({
        ...{ profile, token, variable: TOKEN_FROM, logger: silentLogger, signal },
        proxyFor: this.#options.proxyFor,
      });
      try {
        const folder = createSetUpFolder(common.folder);
        const { changes } = await setUp({
          ...{ request, folder, signal, administration: ports.administration, preview: false },
          ...{ clock: systemClock, random: systemRandom, readIdentity },
          profile: {
            caFile: profile.identity.ca_file,
            acceptInvalidCertificates: profile.identity.danger_accept_invalid_certs,
            natsUrls: names.natsUrls,
          },
          onItem: (item) => {
            items.push(item);
            show({ ...common, state: 'running', items: [...items] });
          },
        });
        const profilePath = path.join(common.folder, PROFILE_FILE);
        show({ ...common, state: 'done', items, changes, profilePath });
      } finally {
        ports.close();
      }
    } catch (thrown) {
      const mayTryAgain = this.#isOnScreen && !running.signal.aborted;
      if (mayTryAgain) this.#keepToken(checked);
      const failed = { ...common, state: 'failed', items, error: toErrorView(thrown) } as const;
      show(mayTryAgain ? failed : { ...failed, forgotten: 'left' });
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }
}

/** How the set-up stands once the token is gone: what was reported stays. */
function withoutToken(view: SetUpView, forgotten: TokenForgotten): SetUpView {
  if (view.state === 'ready') return { state: 'idle', forgotten };
  return view.state === 'failed' ? { forgotten, ...view } : view;
}

/** What the operator reads where a token is refused. */
const TOKEN_FROM = 'the administrator';

function filled(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}

function readRequest(issuer: string, names: SetUpNames): SetUpRequest {
  const { project, deviceApp, apiApp, roles, machineUsers } = names;
  const parsed = setUpRequestSchema.safeParse({ issuer, project, deviceApp, apiApp, roles, machineUsers });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw requestInvalid(`${issue?.path.join(' ') ?? 'a name'} ${issue?.message ?? 'is not valid'}`);
}

function requestInvalid(problem: string): EnrollmentError {
  return new EnrollmentError('STATION_REQUEST_INVALID', { details: { problem } });
}

/** The identity of a profile that is in the folder already. */
function readIdentity(text: string): ProfileIdentity | undefined {
  try {
    return parseProfile(text, PROFILE_FILE).identity;
  } catch (thrown) {
    if (thrown instanceof EnrollmentError) return undefined;
    throw thrown;
  }
}
