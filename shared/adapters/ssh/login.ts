import type { AnyAuthMethod, AuthenticationType, ParsedKey, Prompt } from 'ssh2';
import type { Secret } from '../../model/secret.ts';
import type { OfferedKey } from './keys/gather-keys.ts';

/** With what one connection logs in. */
export interface LoginMeans {
  readonly user: string;
  readonly keys: readonly OfferedKey[];
  readonly password: Secret | undefined;
}

/** The logins of one connection: each secret is offered once at most, and only where the device asks for it. */
export interface Login {
  /** The next way to try, or false when there is none. `accepted`: what the device takes; unknown before the first try. */
  next(accepted: readonly AuthenticationType[] | null): AnyAuthMethod | false;
  /** Notes that a key of the agent could not sign. */
  keyFailed(why: string): void;
  /** True once a password or key was offered. */
  readonly hasOffered: boolean;
  /** What it has come to so far. */
  attempts(): LoginAttempts;
}

/** What a login has come to. */
export interface LoginAttempts {
  /** What the device takes, as it said last; nothing while it has not said. */
  readonly accepted: readonly AuthenticationType[];
  /** Names of the keys that were offered. */
  readonly keys: readonly string[];
  /** True once the device has asked for something that is neither a key nor the password. */
  readonly asksForOther: boolean;
  /** All of it in sentences, for the operator. */
  readonly evidence: string;
}

/** As much of a device's question as an operator needs to know it again. */
const MOST_PROMPT_LENGTH = 80;
/** Prompts that ask for the password and not, say, for a code of a second factor. */
const PASSWORD_PROMPT = /pass|kennwort|contrase|senha|has[lł]o|парол/i;

/**
 * Answers one single hidden password prompt, once. Everything else gets no answer, which the device takes as a no.
 * @param onOther called with the first prompt that does not ask for the password alone
 */
function interactiveAnswer(
  password: string,
  onOther: (prompt: string) => void,
): (prompts: readonly Prompt[]) => string[] {
  let answered = false;
  return (prompts) => {
    const [prompt] = prompts;
    if (prompt === undefined) return [];
    if (prompts.length !== 1 || prompt.echo === true || !PASSWORD_PROMPT.test(prompt.prompt)) {
      onOther(prompt.prompt);
      return [];
    }
    if (answered) return [];
    answered = true;
    return [password];
  };
}

/** The same key, which does not sign with SHA-1: ssh2 falls back to that where a server names no better way. */
function withoutSha1(key: ParsedKey): ParsedKey {
  const sign = (data: Buffer | string, algorithm?: string): Buffer => {
    // ssh2 looks for an error in the answer, not for a thrown one.
    if (algorithm === 'sha1') return new Error('The device takes RSA signatures with SHA-1 only.') as never;
    return key.sign(data, algorithm);
  };
  return Object.create(key, { sign: { value: sign } }) as ParsedKey;
}

/** Prepares the logins for one connection: keys first, then password or its interactive form. */
export function prepareLogin(means: LoginMeans): Login {
  const { user: username, password } = means;
  const keys = [...means.keys];
  const keysOffered: string[] = [];
  const tried: string[] = [];
  let otherPrompt: string | undefined;
  const problems: string[] = [];
  let passwordTried = false;
  let askedForMethods = false;
  let devicesChoice: readonly AuthenticationType[] = [];

  const offer = (accepted: readonly AuthenticationType[] | null): AnyAuthMethod | false => {
    const [key] = keys;
    // An agent's refusals do not tell what else the device takes, and without a key a password must not leave unasked:
    // to ask for nothing shows it.
    if (accepted === null && !askedForMethods && key?.kind !== 'file') {
      askedForMethods = true;
      return { type: 'none', username };
    }
    if (key !== undefined && (accepted === null || accepted.includes('publickey'))) {
      keys.shift();
      tried.push(key.name);
      keysOffered.push(key.name);
      if (key.kind === 'agent') return { type: 'agent', username, agent: key.agent } as AnyAuthMethod;
      // The types want text here; ssh2 takes a parsed key as it is, and does not parse it again for every device.
      return { type: 'publickey', username, key: withoutSha1(key.key) as never };
    }
    if (password === undefined || passwordTried || accepted === null) return false;
    passwordTried = true;
    if (accepted.includes('password')) {
      tried.push('password');
      return { type: 'password', username, password: password.reveal() };
    }
    if (!accepted.includes('keyboard-interactive')) return false;
    tried.push('keyboard-interactive');
    const answer = interactiveAnswer(password.reveal(), (prompt) => {
      otherPrompt ??= prompt.trim().slice(0, MOST_PROMPT_LENGTH);
    });
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(answer(prompts)),
    };
  };

  return {
    next: (accepted) => {
      // A device that has had enough names nothing any more; what it takes it has said before.
      if (accepted !== null && accepted.length > 0) devicesChoice = accepted;
      return offer(accepted);
    },
    keyFailed: (why) => problems.push(why),
    get hasOffered() {
      return tried.length > 0;
    },
    attempts: () => ({
      accepted: devicesChoice,
      keys: keysOffered,
      asksForOther: otherPrompt !== undefined,
      evidence: [
        ...problems,
        tried.length === 0 ? 'No key or password was offered.' : `Tried: ${tried.join(', ')}.`,
        devicesChoice.length === 0 ? undefined : `The device accepts: ${devicesChoice.join(', ')}.`,
        otherPrompt === undefined ? undefined : `It asked: ${otherPrompt}`,
      ]
        .filter((sentence) => sentence !== undefined)
        .join(' '),
    }),
  };
}
