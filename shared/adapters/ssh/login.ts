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
  /** What was tried, for the operator. */
  evidence(): string;
}

/** Prompts that ask for the password and not, say, for a code of a second factor. */
const PASSWORD_PROMPT = /pass|kennwort|contrase|senha|has[lł]o|парол/i;

/** Answers one single hidden password prompt, once. Everything else gets no answer, which the device takes as a no. */
function interactiveAnswer(password: string): (prompts: readonly Prompt[]) => string[] {
  let answered = false;
  return (prompts) => {
    const [prompt] = prompts;
    if (answered || prompt === undefined || prompts.length !== 1) return [];
    if (prompt.echo === true || !PASSWORD_PROMPT.test(prompt.prompt)) return [];
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
  const tried: string[] = [];
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
    const answer = interactiveAnswer(password.reveal());
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(answer(prompts)),
    };
  };

  return {
    next: (accepted) => {
      if (accepted !== null) devicesChoice = accepted;
      return offer(accepted);
    },
    keyFailed: (why) => problems.push(why),
    get hasOffered() {
      return tried.length > 0;
    },
    evidence: () =>
      [
        ...problems,
        tried.length === 0 ? 'No key or password was offered.' : `Tried: ${tried.join(', ')}.`,
        devicesChoice.length === 0 ? undefined : `The device accepts: ${devicesChoice.join(', ')}.`,
      ]
        .filter((sentence) => sentence !== undefined)
        .join(' '),
  };
}
