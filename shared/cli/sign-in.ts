import { renderUnicodeCompact } from 'uqr';
import { EnrollmentError, type ErrorView, toErrorView } from '../errors/enrollment-error.ts';
import type { SessionView } from '../model/station-state.ts';
import { askLine, type SecretTerminal } from './ask-secret.ts';
import type { Output } from './output.ts';

/** A sign-in as a command drives it: a station's, or a session alone. */
export interface SignInDriver {
  /** Takes up a remembered or handed-in sign-in. */
  resume(): Promise<void>;
  begin(): void;
  /** Does not wait for another station that is signing in. */
  goOnHere(): void;
  cancel(): void;
}

/** An error that reached the command as plain data. */
export class ShownError extends Error {
  override readonly name = 'ShownError';
  readonly view: ErrorView;

  constructor(view: ErrorView) {
    super(view.says);
    this.view = view;
  }
}

/** Follows what is shown of a sign-in, and waits for its end. */
export class SignInWatch {
  #view: SessionView = { state: 'signed-out' };
  readonly #waiting = new Set<() => void>();
  #promptShown = '';
  #isOtherTold = false;

  get view(): SessionView {
    return this.#view;
  }

  /** @param notePrompt shows the code to a person; as notes when left out */
  show(view: SessionView, output: Output, notePrompt = (prompt: Prompt) => noteLines(prompt, output)): void {
    this.#view = view;
    if (view.state !== 'other-signs-in') this.#isOtherTold = false;
    else if (!this.#isOtherTold) {
      this.#isOtherTold = true;
      output.event('other-signs-in', { since: new Date(view.since).toISOString() });
      output.note('Another Muster on this computer is signing in. Approve the code it shows.');
    }
    if (view.state === 'awaiting-approval' && view.userCode !== this.#promptShown) {
      this.#promptShown = view.userCode;
      tellPrompt(view, output);
      notePrompt(view);
    }
    for (const check of [...this.#waiting]) check();
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo()) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const settle = (): void => {
          this.#waiting.delete(check);
          signal.removeEventListener('abort', onAbort);
        };
        const check = (): void => {
          settle();
          resolve();
        };
        const onAbort = (): void => {
          settle();
          reject(signal.reason);
        };
        this.#waiting.add(check);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
  }

  /**
   * While another station is signing in, Enter shows a code here.
   * @returns ends the offer
   */
  #offerHere(driver: SignInDriver, terminal: SecretTerminal, signal: AbortSignal): () => void {
    let offer: AbortController | undefined;
    const check = (): void => {
      const isOther = this.#view.state === 'other-signs-in';
      if (!isOther) offer?.abort();
      if (!isOther) offer = undefined;
      else if (offer === undefined) {
        offer = new AbortController();
        const asked = AbortSignal.any([signal, offer.signal]);
        askLine(terminal, 'Press Enter to sign in here instead. ', asked).then(
          () => driver.goOnHere(),
          () => undefined,
        );
      }
    };
    this.#waiting.add(check);
    return () => {
      this.#waiting.delete(check);
      offer?.abort();
    };
  }

  /**
   * Makes sure somebody is signed in: by what is remembered or was handed in, else by device code where a person is there
   * to approve it.
   * @throws ShownError, EnrollmentError IDENTITY_NOT_SIGNED_IN, or the signal's reason
   */
  async require(
    driver: SignInDriver,
    options: {
      readonly output: Output;
      /** Where a person is. */
      readonly terminal: SecretTerminal | undefined;
      /** A token was handed in. */
      readonly isGiven: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { output, signal } = options;
    await driver.resume();
    if (this.#view.state !== 'signed-in') {
      if (options.terminal === undefined) throw nobodyThere(this.#view);
      const stopOffering = this.#offerHere(driver, options.terminal, signal);
      driver.begin();
      const onAbort = (): void => driver.cancel();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await this.#until(
          () => this.#view.state === 'signed-in' || this.#view.state === 'signed-out',
          signal,
        );
      } finally {
        stopOffering();
        signal.removeEventListener('abort', onAbort);
      }
    }
    const view = this.#view;
    if (view.state !== 'signed-in')
      throw 'error' in view && view.error !== undefined
        ? new ShownError(view.error as ErrorView)
        : new EnrollmentError('IDENTITY_SIGN_IN_CANCELLED');
    const { account, organisation, rememberedNote: note } = view;
    const remembered = options.isGiven ? 'given' : view.remembered;
    output.event('signed-in', { account, organisation, remembered, note });
    const where = remembered === 'memory' ? ` (in memory only: ${note})` : '';
    if (!output.isJson)
      output.note(`sign-in: ${account}${organisation === undefined ? '' : ` of ${organisation}`}${where}`);
  }
}

/** No terminal: nobody would see the code. What ended a remembered sign-in is told instead, where there is one. */
function nobodyThere(view: SessionView): Error {
  if (view.state === 'signed-out' && view.error !== undefined) return new ShownError(view.error as ErrorView);
  return new ShownError({
    ...toErrorView(new EnrollmentError('IDENTITY_NOT_SIGNED_IN')),
    cause: 'There is no terminal where somebody could approve a code, and no token was handed in.',
    operatorDoes:
      'Set MUSTER_ADMIN_TOKEN, MUSTER_ADMIN_TOKEN_FILE or MUSTER_ADMIN_TOKEN_FD, or run it on a terminal.',
  });
}

/** A code that somebody has to approve. */
export type Prompt = Extract<SessionView, { state: 'awaiting-approval' }>;

function tellPrompt(view: Prompt, output: Output): void {
  output.event('sign-in', {
    url: view.verificationUri,
    completeUrl: view.verificationUriComplete,
    code: view.userCode,
    expiresAt: new Date(view.expiresAt).toISOString(),
  });
}

function noteLines(view: Prompt, output: Output): void {
  for (const line of promptLines(view)) output.note(line);
}

/** Address, code and picture of a sign-in, as lines. The picture is left out where it would be cut off. */
export function promptLines(view: Prompt, room = { columns: 80, lines: 40 }): string[] {
  const picture = renderUnicodeCompact(view.verificationUriComplete).split('\n');
  const fits = picture.length + 6 <= room.lines && (picture[0] ?? '').length <= room.columns;
  return [
    `Sign in at  ${view.verificationUri}`,
    `with code   ${view.userCode}`,
    ...(fits ? ['', ...picture] : []),
    '',
    `or open     ${view.verificationUriComplete}`,
    ...(view.notShared === undefined ? [] : [view.notShared]),
    '',
  ];
}
