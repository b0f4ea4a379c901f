import { Fleet } from '../engine/fleet.ts';
import { Stopped, waitAtMost } from '../engine/limits.ts';
import type {
  Clock,
  HeartbeatLink,
  HeartbeatWatch,
  IdentityProvider,
  StationPorts,
} from '../engine/ports.ts';
import { Session } from '../engine/session.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { type CommandContext, openPorts, type StationOptions } from './command-context.ts';
import { SignInWatch } from './sign-in.ts';

/** A NATS that is there answers within seconds. */
const LINK_LIMIT_MS = 15_000;

/**
 * What commands that only look are made of: a sign-in and the identity provider, and no station, which would tidy up keys
 * as soon as somebody is signed in. The journal is read and never written.
 */
export class Observer {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly session: Session;
  readonly identity: IdentityProvider;
  readonly #context: CommandContext;
  readonly #watch = new SignInWatch();
  readonly #lifetime = new AbortController();

  constructor(context: CommandContext, profile: Profile, options: StationOptions) {
    this.#context = context;
    this.profile = profile;
    this.ports = openPorts(context, profile, options, 'read');
    const { ports } = this;
    this.session = new Session(
      {
        ...{ clock: ports.clock, random: ports.random, logger: ports.logger },
        ...{ client: ports.signIn, cache: ports.tokenCache },
      },
      {
        onSession: (view) => this.#watch.show(view, context.output),
        onKeychain: () => undefined,
        onSignedIn: () => undefined,
        openBrowser: (url) => ports.openBrowser(url),
      },
    );
    this.identity = ports.createIdentityProvider(profile, this.session);
  }

  get signal(): AbortSignal {
    return this.#context.interrupts.signal;
  }

  /** Signs in, by device code where a person is there. @throws what {@link SignInWatch.require} throws */
  async requireSignIn(): Promise<void> {
    const { output, secrets, terminal } = this.#context;
    const driver = {
      resume: () => this.session.resume(this.signal),
      begin: () => void this.session.signIn(),
      goOnHere: () => this.session.signInHere(),
      cancel: () => this.session.cancel(),
    };
    await this.#watch.require(driver, {
      ...{ output, signal: this.signal },
      ...{ terminal, isGiven: secrets.token !== undefined },
    });
  }

  /** Takes up a remembered or handed-in sign-in; nobody is asked. */
  async takeUpSignIn(): Promise<boolean> {
    await this.session.resume(this.signal);
    return this.#watch.view.state === 'signed-in';
  }

  /**
   * Follows the fleet until the command ends. Resolves once all current heartbeats were handed on.
   * @throws NATS_UNREACHABLE, NATS_REFUSED
   */
  async followFleet(handlers: {
    onHeartbeat(heartbeat: Heartbeat): void;
    onLink?(link: HeartbeatLink): void;
  }): Promise<void> {
    const { ports, profile } = this;
    const watch = ports.createHeartbeatWatch(profile, this.session);
    if (watch === undefined)
      throw new EnrollmentError('STATION_PROFILE_INVALID', {
        details: { path: 'nats.urls', problem: 'is needed to see heartbeats (--nats-url)' },
      });
    const signal = AbortSignal.any([this.signal, this.#lifetime.signal]);
    const caughtUp = new CatchUp(ports.clock);
    await this.#untilLive(watch, signal, {
      onHeartbeat: (heartbeat) => {
        handlers.onHeartbeat(heartbeat);
        caughtUp.saw(heartbeat.revision);
      },
      onLink: (link) => handlers.onLink?.(link),
    });
    await caughtUp.with(await watch.newestRevision(signal), signal);
  }

  #untilLive(
    watch: HeartbeatWatch,
    signal: AbortSignal,
    handlers: { onHeartbeat(heartbeat: Heartbeat): void; onLink(link: HeartbeatLink): void },
  ): Promise<void> {
    const { ports, profile } = this;
    return new Promise<void>((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        cancel();
        outcome();
      };
      let lost: HeartbeatLink = { state: 'connecting' };
      const fail = (): void => {
        const { code, evidence } =
          lost.state === 'lost' ? lost : { code: 'NATS_UNREACHABLE' as const, evidence: 'no answer' };
        const details = { urls: profile.nats?.urls.join(', ') ?? '' };
        reject(new EnrollmentError(code, { details, evidence }));
      };
      const cancel = ports.clock.after(LINK_LIMIT_MS, fail);
      const fleet = new Fleet(ports.clock, {
        onHeartbeat: handlers.onHeartbeat,
        onLink: (link) => {
          if (link.state !== 'live') lost = link;
          handlers.onLink(link);
          if (link.state === 'live') settle(resolve);
          // Who is refused is refused again; an address that does not answer may do so in a moment.
          else if (link.state === 'lost' && link.code === 'NATS_REFUSED') settle(fail);
        },
      });
      fleet.follow(watch, signal).catch((thrown: unknown) => settle(() => reject(thrown)));
    });
  }

  async close(): Promise<void> {
    this.#lifetime.abort(new Stopped('the command ends'));
    await this.ports.close();
  }
}

/** The newest entry may be one that cannot be read, or a removal: it is not waited for longer. */
const CATCH_UP_LIMIT_MS = 2_000;

/** Waits until the current heartbeats have come, up to a revision the server named. */
class CatchUp {
  readonly #clock: Clock;
  #seen = 0;
  #wanted: { readonly revision: number; readonly resolve: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  saw(revision: number): void {
    this.#seen = Math.max(this.#seen, revision);
    if (this.#wanted !== undefined && this.#seen >= this.#wanted.revision) this.#wanted.resolve();
  }

  async with(revision: number, signal: AbortSignal): Promise<void> {
    if (this.#seen >= revision) return;
    const caughtUp = new Promise<void>((resolve) => {
      this.#wanted = { revision, resolve };
    });
    await waitAtMost({ clock: this.#clock, limitMs: CATCH_UP_LIMIT_MS, signal }, caughtUp);
  }
}
