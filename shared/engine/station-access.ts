import { EnrollmentError, toErrorView } from '../errors/enrollment-error.ts';
import type { Profile } from '../model/profile.ts';
import type { Secret } from '../model/secret.ts';
import { AwaitedSignIn, SIGN_IN_PATIENCE_MS } from './awaited-sign-in.ts';
import { Fleet } from './fleet.ts';
import { keyRealmOf } from './key-realm.ts';
import { KeyRecovery } from './key-recovery.ts';
import { asEnrollmentError, Stopped } from './limits.ts';
import type { IdentityProvider, StationPorts } from './ports.ts';
import { Session } from './session.ts';
import { SignInWaits } from './sign-in-waits.ts';
import type { StationDisplay } from './station-display.ts';
import {
  deletedKeysText,
  mayRememberTokens,
  providerPauseText,
  signInAwaitedText,
  tokenForgottenText,
  undecidedKeysText,
} from './station-view.ts';

export interface StationAccessOptions {
  readonly ports: StationPorts;
  readonly profile: Profile;
  readonly display: StationDisplay;
  /** While a batch is active its devices may be taking keys: no recovery begins. */
  batchIsActive(): boolean;
  /** While devices are being taken out of the fleet. */
  decommissionIsActive(): boolean;
  /** Somebody can sign in again while devices are at work: they wait for it. */
  readonly isAttended: boolean;
  /** How long they wait. */
  readonly signInPatienceMs?: number | undefined;
}

/** The operator's sign-in and all that lives with it: the identity provider, left keys, heartbeats. */
export class StationAccess {
  readonly session: Session;
  readonly identity: IdentityProvider;
  readonly recovery: KeyRecovery;
  /** There whenever the profile names a NATS: without a link, a device is never taken for enrolled. */
  readonly fleet: Fleet | undefined;
  readonly #options: StationAccessOptions;
  /** For devices at work: where somebody can sign in again, it waits for that. */
  readonly tokens: AwaitedSignIn;
  /** Which devices wait for it. */
  readonly signInWaits = new SignInWaits();
  readonly #lifetime = new AbortController();
  #following: AbortController | undefined;
  #tellsUndecided = false;

  constructor(options: StationAccessOptions) {
    const { ports, profile, display, signInPatienceMs = SIGN_IN_PATIENCE_MS } = options;
    this.#options = options;
    this.session = new Session(
      {
        ...{ clock: ports.clock, random: ports.random, logger: ports.logger },
        ...{ client: ports.signIn, cache: ports.tokenCache },
      },
      {
        onSession: (session) => display.showSession(session),
        onKeychain: (keychain) => display.showKeychain(keychain),
        openBrowser: (url) => ports.openBrowser(url),
        onSignedIn: () => this.#onSignedIn(),
      },
    );
    this.tokens = new AwaitedSignIn({
      tokens: this.session,
      clock: ports.clock,
      patienceMs: signInPatienceMs,
      mayWait: () => options.isAttended && (options.batchIsActive() || options.decommissionIsActive()),
      onAwaited: (isAwaited) => {
        this.signInWaits.setAwaited(isAwaited);
        if (isAwaited) display.notice('attention', signInAwaitedText(signInPatienceMs));
      },
    });
    this.identity = ports.createIdentityProvider(profile, this.tokens, (ms) =>
      display.notice('attention', providerPauseText(ms)),
    );
    this.recovery = this.#createRecovery();
    this.fleet =
      profile.nats === undefined
        ? undefined
        : new Fleet(ports.clock, {
            onHeartbeat: (heartbeat) => display.showHeartbeat(heartbeat),
            onRemoved: (deviceId) => display.showRemoved(deviceId),
            onLink: (link) => display.showLink(link),
          });
  }

  /** Takes up a remembered sign-in. What fails here is shown, not thrown. */
  async resume(): Promise<void> {
    try {
      await this.session.resume(this.#lifetime.signal);
    } catch (thrown) {
      if (!this.#lifetime.signal.aborted) this.#tell(thrown);
    }
  }

  /** Signs in with a token that a person has handed in. @throws {EnrollmentError} */
  async signInWithToken(token: Secret, remember: boolean): Promise<void> {
    const details = { problem: 'this profile does not have access tokens remembered' };
    if (remember && !mayRememberTokens(this.#options.profile))
      throw new EnrollmentError('STATION_REQUEST_INVALID', { details });
    const { tokenCheck } = this.#options.ports;
    await this.session.signInWithToken((signal) => tokenCheck.check(token, signal), remember);
  }

  /** Signs out here and at the provider; heartbeats are not followed any more. */
  async signOut(): Promise<void> {
    this.#following?.abort(new Stopped('signed out'));
    this.#following = undefined;
    this.#options.display.showLink(undefined);
    const handedIn = this.session.handedInAccount;
    for (const problem of await this.session.signOut(this.#lifetime.signal)) {
      const { says, operatorDoes } = toErrorView(problem);
      this.#options.display.notice('attention', `${says} ${operatorDoes}`);
    }
    if (handedIn !== undefined) this.#options.display.notice('info', tokenForgottenText(handedIn));
  }

  /** Ends all that waits, and a running recovery before the journal is closed. */
  async close(): Promise<void> {
    this.#lifetime.abort(new Stopped('the station closes'));
    this.#following?.abort(new Stopped('the station closes'));
    await this.recovery.close();
  }

  #onSignedIn(): void {
    this.identity.forgetSignIn();
    this.tokens.signedIn();
    this.#followFleet();
    this.#tellsUndecided = true;
    this.recovery.begin();
  }

  #createRecovery(): KeyRecovery {
    const { ports, profile, display } = this.#options;
    return new KeyRecovery(
      { ...ports, identity: this.identity, realm: keyRealmOf(profile) },
      {
        mayRun: () => this.session.isSignedIn && !this.#options.batchIsActive(),
        onRecovered: ({ deleted, undecided }) => {
          if (deleted > 0) display.notice('info', deletedKeysText(deleted));
          // Told once for every sign-in; the rows of a batch tell it themselves.
          if (undecided > 0 && this.#tellsUndecided)
            display.notice('attention', undecidedKeysText(undecided));
          this.#tellsUndecided = false;
        },
        onFailed: (thrown) => this.#tell(thrown),
      },
    );
  }

  #followFleet(): void {
    const { ports, profile } = this.#options;
    if (this.fleet === undefined || this.#following !== undefined) return;
    const watch = ports.createHeartbeatWatch(profile, this.session);
    if (watch === undefined) return;
    const following = new AbortController();
    this.#following = following;
    this.fleet.follow(watch, following.signal).catch((thrown: unknown) => {
      if (following.signal.aborted) return;
      this.#following = undefined;
      this.#tell(thrown);
    });
  }

  #tell(thrown: unknown): void {
    this.#options.display.notice('failed', toErrorView(asEnrollmentError(thrown)).says);
  }
}
