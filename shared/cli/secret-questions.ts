import { toErrorView } from '../errors/enrollment-error.ts';
import type { SecretNeeded } from '../errors/remedy.ts';
import type { Secret } from '../model/secret.ts';
import { askSecret } from './ask-secret.ts';
import type { CommandContext } from './command-context.ts';
import { MOST_QUESTIONS, secretInputs, secretWords } from './secret-desk.ts';

/** What a login and `sudo` may need, as far as it is known. */
export type DeviceSecrets = { readonly [Name in (typeof secretInputs)[SecretNeeded]]?: Secret };

/**
 * The secrets of a command that has no batch to take up again: those that were handed in, and what somebody on the terminal
 * answers once a device needs it. One answer is for all devices; only where it was refused is there another question.
 */
export class SecretQuestions {
  readonly #context: Pick<CommandContext, 'terminal' | 'interrupts'>;
  readonly #answers = new Map<SecretNeeded, Secret>();
  readonly #asked = new Map<SecretNeeded, number>();
  /** Nobody wanted to answer these. */
  readonly #unanswered = new Set<SecretNeeded>();
  /** The question that is on the terminal; there is one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: Pick<CommandContext, 'terminal' | 'interrupts' | 'secrets'>) {
    this.#context = context;
    const { secrets } = context;
    for (const [kind, name] of Object.entries(secretInputs) as [SecretNeeded, keyof DeviceSecrets][]) {
      const given = secrets[name];
      if (given !== undefined) this.#answers.set(kind, given.value);
    }
  }

  /**
   * Does something with the secrets that are known, and again with every answer that it turns out to need.
   * @param about whom the question names
   * @param neededBy what a result lacks; a thrown error tells it by itself
   * @throws what `act` threw last, or the signal's reason
   */
  async answering<T>(
    about: string,
    act: (secrets: DeviceSecrets) => Promise<T>,
    neededBy: (result: T) => SecretNeeded | undefined = () => undefined,
  ): Promise<T> {
    for (;;) {
      const tried = new Map(this.#answers);
      const outcome = await act(this.#named(tried)).then(
        (result) => ({ needed: neededBy(result), settle: () => result }),
        (thrown: unknown) => ({
          needed: toErrorView(thrown).secretNeeded,
          settle: (): never => {
            throw thrown;
          },
        }),
      );
      const { needed, settle } = outcome;
      if (needed === undefined) return settle();
      if ((await this.#another(needed, tried.get(needed), about)) === undefined) return settle();
    }
  }

  /** Resolves once no question is on the terminal: what is printed meanwhile would tear it. */
  async whenQuiet(): Promise<void> {
    for (let turn: unknown; turn !== this.#turn; ) {
      turn = this.#turn;
      await this.#turn.catch(() => undefined);
    }
  }

  #named(answers: ReadonlyMap<SecretNeeded, Secret>): DeviceSecrets {
    return Object.fromEntries([...answers].map(([kind, secret]) => [secretInputs[kind], secret]));
  }

  /** Another secret than the one that was tried, of somebody else's question too. */
  #another(kind: SecretNeeded, tried: Secret | undefined, about: string): Promise<Secret | undefined> {
    const ask = async (): Promise<Secret | undefined> => {
      const newest = this.#answers.get(kind);
      if (newest !== tried) return newest;
      const { terminal, interrupts } = this.#context;
      const asked = this.#asked.get(kind) ?? 0;
      if (terminal === undefined || asked >= MOST_QUESTIONS || this.#unanswered.has(kind)) return undefined;
      this.#asked.set(kind, asked + 1);
      const answer = await askSecret(terminal, `${secretWords[kind]} for ${about}: `, interrupts.signal);
      if (answer === undefined) this.#unanswered.add(kind);
      else this.#answers.set(kind, answer);
      return answer;
    };
    const turn = this.#turn.then(ask, ask);
    this.#turn = turn;
    return turn;
  }
}
