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
import { EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import type { Profile } from '#shared/model/profile.ts';
import { Secret } from '#shared/model/secret.ts';
import type { SetUpItemView, SetUpNames, SetUpView } from '#shared/model/set-up-view.ts';
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

/**
 * The guided set-up of an identity provider, for the window. It keeps the administrator's token in memory from the check
 * to the moment the window leaves the set-up, and gives it to nobody.
 */
export class SetUpDesk implements HostedSetUp {
  readonly #userDataDir: string;
  readonly #publish: (view: SetUpView) => void;
  readonly #proxyFor: ProxyChoice;
  #view: SetUpView = { state: 'idle' };
  #checked: Checked | undefined;
  #running: AbortController | undefined;

  constructor(options: {
    readonly userDataDir: string;
    readonly publish: (view: SetUpView) => void;
    readonly proxyFor: ProxyChoice;
  }) {
    this.#proxyFor = options.proxyFor;
    this.#userDataDir = options.userDataDir;
    this.#publish = options.publish;
  }

  /** @throws EnrollmentError of the provider, of the folder, or of what was entered */
  async handle<C extends SetUpChannel>(channel: C, input: Input<C>): Promise<Output<C>> {
    return (await this.#handlers[channel](input as never)) as Output<C>;
  }

  /** Stops a run and forgets the token. */
  leave(): void {
    this.#running?.abort(new Error('The set-up was left.'));
    this.#checked = undefined;
    this.#view = { state: 'idle' };
  }

  readonly #handlers: {
    readonly [C in SetUpChannel]: (input: Input<C>) => Output<C> | Promise<Output<C>>;
  } = {
    'setup.view': () => this.#view,
    'setup.check': (input) => this.#check(input),
    'setup.run': (names) => this.#begin(names),
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
    const signal = AbortSignal.timeout(CHECK_LIMIT_MS);
    const ports = await createSetUpPorts({
      profile,
      token,
      variable: TOKEN_FROM,
      logger: silentLogger,
      proxyFor: this.#proxyFor,
      signal,
    });
    try {
      const organisation = await ports.administration.organisation(signal);
      const { account, api } = await ports.administration.caller(signal);
      const missingRights = [...(await ports.administration.missingRights(signal))];
      const folder = this.#folderFor(profile.identity.issuer);
      const view = {
        ...({ state: 'ready', issuer: profile.identity.issuer } as const),
        ...{ api, organisation, missingRights, folder },
        ...(account === undefined ? {} : { account }),
      };
      this.#checked = { profile, token, view };
      this.#view = view;
      return view;
    } finally {
      ports.close();
    }
  }

  /** A first profile goes where the next start looks for it; a later one beside it, never over it. */
  #folderFor(issuer: string): string {
    if (!existsSync(path.join(this.#userDataDir, PROFILE_FILE))) return this.#userDataDir;
    return path.join(this.#userDataDir, 'set-up', new URL(issuer).host.replace(/[^\w.-]/g, '-'));
  }

  #begin(names: SetUpNames): null {
    const checked = this.#checked;
    if (this.#running !== undefined) throw new EnrollmentError('STATION_BUSY');
    if (checked === undefined) throw requestInvalid('the provider was not asked yet; enter its token again');
    const request = readRequest(checked.profile.identity.issuer, names);
    const running = new AbortController();
    this.#running = running;
    void this.#run(checked, request, names, running);
    return null;
  }

  async #run(
    { profile, token, view }: Checked,
    request: SetUpRequest,
    names: SetUpNames,
    running: AbortController,
  ): Promise<void> {
    const signal = AbortSignal.any([running.signal, AbortSignal.timeout(RUN_LIMIT_MS)]);
    const common = { ...view, folder: path.resolve(names.folder) };
    const items: SetUpItemView[] = [];
    const show = (next: SetUpView): void => {
      if (running.signal.aborted) return;
      this.#view = next;
      this.#publish(next);
    };
    show({ ...common, state: 'running', items });
    try {
      const ports = await createSetUpPorts({
        ...{ profile, token, variable: TOKEN_FROM, logger: silentLogger, proxyFor: this.#proxyFor, signal },
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
      show({ ...common, state: 'failed', items, error: toErrorView(thrown) });
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }
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
