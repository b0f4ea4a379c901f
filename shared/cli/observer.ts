import { Fleet } from '../engine/fleet.ts';
import { Stopped, waitAtMost } from '../engine/limits.ts';
import type {
  Clock,
  HeartbeatLink,
  HeartbeatWatch,
  IdentityProvider,
  StationPorts,
} from '../engine/ports.ts';
import { providerPauseText } from '../engine/station-view.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import type { Heartbeat } from '../model/station-state.ts';
import { AttendedSession, type AttendedSessionOptions } from './attended-session.ts';
import { type CommandContext, openPorts, type StationOptions } from './command-context.ts';
import { tellNotice } from './output.ts';

/** A NATS that is there answers within seconds. */
const LINK_LIMIT_MS = 15_000;

export type ObserverOptions = StationOptions & AttendedSessionOptions;

/**
 * What commands that only look are made of: a sign-in and the identity provider, and no station, which would tidy up keys
 * as soon as somebody is signed in. The journal is read and never written.
 */
export class Observer {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly session: AttendedSession;
  readonly identity: IdentityProvider;
  readonly signal: AbortSignal;
  readonly #lifetime = new AbortController();

  constructor(context: CommandContext, profile: Profile, options: ObserverOptions) {
    this.profile = profile;
    this.signal = context.interrupts.signal;
    this.ports = openPorts(context, profile, options, 'read');
    this.session = new AttendedSession(context, this.ports, {
      ...options,
      onSignedIn: () => this.identity.forgetSignIn(),
    });
    this.identity = this.ports.createIdentityProvider(profile, this.session, (ms) => {
      options.onNote?.();
      tellNotice(context.output, 'attention', providerPauseText(ms));
    });
  }

  /** Ends when the command is interrupted. @throws what ended the sign-in, once there will be no other */
  async untilInterrupted(): Promise<void> {
    const ended = AbortSignal.any([this.signal, this.session.over]);
    await new Promise<void>((resolve) => {
      if (ended.aborted) resolve();
      else ended.addEventListener('abort', () => resolve(), { once: true });
    });
    if (!this.signal.aborted) this.session.over.throwIfAborted();
  }

  /**
   * Follows the fleet until the command ends. Resolves once all current heartbeats were handed on.
   * @throws NATS_UNREACHABLE, NATS_REFUSED; what ended the sign-in
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
    const { ports, profile, session } = this;
    return new Promise<void>((resolve, reject) => {
      let cancel: () => void = () => undefined;
      const settle = (outcome: () => void): void => {
        cancel();
        outcome();
      };
      let lost: HeartbeatLink = { state: 'connecting' };
      const fail = (): void => {
        const { code, evidence } =
          lost.state === 'lost' ? lost : { code: 'NATS_UNREACHABLE' as const, evidence: 'no answer' };
        const details = { urls: profile.nats?.urls.join(', ') ?? '' };
        const { aborted, reason } = session.over;
        reject(aborted ? reason : new EnrollmentError(code, { details, evidence }));
      };
      const limit = (): void => {
        // Who waits for a person does not wait for NATS.
        cancel = ports.clock.after(LINK_LIMIT_MS, () => (session.isAwaited ? limit() : fail()));
      };
      limit();
      const renewal = new RefusedToken(session, signal);
      const fleet = new Fleet(ports.clock, {
        onHeartbeat: handlers.onHeartbeat,
        onLink: (link) => {
          if (link.state !== 'live') lost = link;
          handlers.onLink(link);
          if (link.state === 'live') {
            renewal.accepted();
            settle(resolve);
          } else if (link.state === 'lost' && link.code === 'NATS_REFUSED')
            // An address that does not answer may do so in a moment; who is refused with a new token is refused again.
            void renewal.refused().then((isRenewed) => {
              if (!isRenewed) settle(fail);
            });
        },
      });
      fleet.follow(watch, signal).catch((thrown: unknown) => settle(() => reject(thrown)));
    });
  }

  async close(): Promise<void> {
    this.session.close();
    this.#lifetime.abort(new Stopped('the command ends'));
    await this.ports.close();
  }
}

/**
 * The token of a link that was refused. The broker asks the provider about it, so it may have ended: it is renewed, once until
 * the broker has accepted one.
 */
class RefusedToken {
  readonly #session: AttendedSession;
  readonly #signal: AbortSignal;
  #renewing: Promise<boolean> | undefined;

  constructor(session: AttendedSession, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  accepted(): void {
    this.#renewing = undefined;
  }

  /** @returns whether there is a new token that was not refused yet */
  async refused(): Promise<boolean> {
    if (this.#renewing !== undefined) return false;
    // Why there is none is kept by the session.
    this.#renewing = this.#session.renew(this.#signal).catch(() => false);
    return this.#renewing;
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
