import { AwaitedSignIn } from '../engine/awaited-sign-in.ts';
import type { AccessTokenSource, StationPorts } from '../engine/ports.ts';
import { Session } from '../engine/session.ts';
import { signInAwaitedText } from '../engine/station-view.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import type { Secret } from '../model/secret.ts';
import type { CommandContext } from './command-context.ts';
import { isSignInCode } from './exit-codes.ts';
import { tellNotice } from './output.ts';
import { SignInWatch } from './sign-in.ts';
import { SignInAgain } from './sign-in-again.ts';
import { maySignInAgain, patienceOfLooking, type SignInPatience } from './sign-in-patience.ts';

export interface AttendedSessionOptions extends SignInPatience {
  /** Told before lines for a person come on standard error: what is drawn in place begins anew below them. */
  readonly onNote?: () => void;
}

/**
 * The sign-in of a command that has no station, and only looks. One that ends on the way is asked for again, by the rule of
 * a batch: what needs a token waits for it, all for the same one and until the same end. Where nobody sits at a terminal,
 * that is so only where a wait was asked for.
 */
export class AttendedSession implements AccessTokenSource {
  readonly #context: CommandContext;
  readonly #session: Session;
  readonly #watch = new SignInWatch();
  readonly #again: SignInAgain;
  readonly #awaited: AwaitedSignIn;
  readonly #over = new AbortController();
  #last: Secret | undefined;

  /** @param onSignedIn somebody has signed in: at the beginning, or again, and then perhaps another person */
  constructor(
    context: CommandContext,
    ports: StationPorts,
    { onNote, onSignedIn, ...wished }: AttendedSessionOptions & { readonly onSignedIn: () => void },
  ) {
    const { output, secrets } = context;
    const patienceMs = patienceOfLooking(context, wished);
    this.#context = context;
    this.#session = new Session(
      {
        ...{ clock: ports.clock, random: ports.random, logger: ports.logger },
        ...{ client: ports.signIn, cache: ports.tokenCache },
      },
      {
        onSession: (view) => {
          onNote?.();
          this.#watch.show(view, output);
          this.#again.take(view, this.isAwaited);
        },
        onKeychain: () => undefined,
        onSignedIn: () => {
          onSignedIn();
          this.#awaited.signedIn();
        },
        openBrowser: (url) => ports.openBrowser(url),
      },
    );
    this.#again = new SignInAgain({
      begin: () => void this.#session.signIn(),
      cancel: () => this.#session.cancel(),
      giveUp: () => this.#awaited.giveUp(),
    });
    this.#awaited = new AwaitedSignIn({
      ...{ tokens: this.#session, clock: ports.clock, patienceMs },
      mayWait: () => maySignInAgain(secrets, { signInPatienceMs: patienceMs }),
      onAwaited: (isAwaited) => {
        onNote?.();
        if (isAwaited) tellNotice(output, 'attention', signInAwaitedText(patienceMs, 'What needs one waits'));
        this.#again.take(this.#watch.view, isAwaited);
      },
    });
  }

  /** Something waits for somebody to sign in again. */
  get isAwaited(): boolean {
    return this.#awaited.isAwaited;
  }

  /** Aborted with what ended the sign-in, once it is clear that there will be no other. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Signs in, by device code where a person is there. @throws what {@link SignInWatch.require} throws */
  async require(): Promise<void> {
    const { output, secrets, terminal, interrupts } = this.#context;
    const { signal } = interrupts;
    const driver = {
      resume: () => this.#session.resume(signal),
      begin: () => void this.#session.signIn(),
      goOnHere: () => this.#session.signInHere(),
      cancel: () => this.#session.cancel(),
    };
    await this.#watch.require(driver, {
      ...{ output, signal, terminal, isGiven: secrets.token !== undefined },
    });
  }

  /** Takes up a remembered or handed-in sign-in; nobody is asked. @returns whether there is one */
  async resume(): Promise<boolean> {
    await this.#session.resume(this.#context.interrupts.signal);
    return this.#watch.view.state === 'signed-in';
  }

  async accessToken(signal: AbortSignal, rejected?: Secret, ends?: EnrollmentError): Promise<Secret> {
    try {
      this.#last = await this.#awaited.accessToken(signal, rejected, ends);
      return this.#last;
    } catch (thrown) {
      // Who asks in the background tells nobody what came of it: the end is kept for those who have to know.
      if (!signal.aborted && thrown instanceof EnrollmentError && isSignInCode(thrown.code))
        this.#over.abort(thrown);
      throw thrown;
    }
  }

  /**
   * Another token in place of the last one, which somebody beside the provider has refused: it may have ended meanwhile.
   * @returns false for one that was handed in: there is no other
   * @throws what ended the sign-in
   */
  async renew(signal: AbortSignal): Promise<boolean> {
    if (this.#last === undefined || this.#context.secrets.token !== undefined) return false;
    await this.accessToken(signal, this.#last);
    return true;
  }

  /** Asks nobody any more. */
  close(): void {
    this.#again.close();
    this.#session.cancel();
  }
}
