import ssh2, { type AnyAuthMethod, type AuthenticationType, type Prompt } from 'ssh2';
import type { Secret } from '../../model/secret.ts';

/** With what one connection logs in. */
export interface LoginMeans {
  readonly user: string;
  readonly privateKey: Secret | undefined;
  readonly password: Secret | undefined;
}

/** The logins of one connection: each secret is offered once at most, and only where the device asks for it. */
export interface Login {
  /** The next way to try, or false when there is none. `accepted`: what the device takes; unknown before the first try. */
  next(accepted: readonly AuthenticationType[] | null): AnyAuthMethod | false;
  /** What was tried, for the operator. */
  evidence(): string;
}

/** Prompts that ask for the password and not, say, for a code of a second factor. */
const PASSWORD_PROMPT = /pass|kennwort|contrase|senha|has[lł]o|парол/i;

function usableKey(credential: LoginMeans): { key: Buffer | undefined; problem: string | undefined } {
  if (credential.privateKey === undefined) return { key: undefined, problem: undefined };
  const text = credential.privateKey.reveal();
  const parsed = ssh2.utils.parseKey(text);
  if (parsed instanceof Error)
    return { key: undefined, problem: `The private key cannot be used: ${parsed.message}` };
  const first = Array.isArray(parsed) ? parsed[0] : parsed;
  if (first === undefined || !first.isPrivateKey())
    return { key: undefined, problem: 'The key file holds no private key.' };
  return { key: Buffer.from(text, 'utf8'), problem: undefined };
}

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

/** Prepares the logins for one connection: key first, then password or its interactive form. */
export function prepareLogin(credential: LoginMeans): Login {
  const { user: username, password } = credential;
  const { key, problem } = usableKey(credential);
  const tried = new Set<AuthenticationType>();
  let devicesChoice: readonly AuthenticationType[] = [];

  const offer = (accepted: readonly AuthenticationType[] | null): AnyAuthMethod | false => {
    const open = (type: AuthenticationType) =>
      !tried.has(type) && (accepted === null || accepted.includes(type));
    if (key !== undefined && open('publickey')) return { type: 'publickey', username, key };
    // Without a key, asking for nothing shows what the device takes before a password leaves the station.
    if (accepted === null) return { type: 'none', username };
    if (password === undefined || tried.has('password') || tried.has('keyboard-interactive')) return false;
    if (open('password')) return { type: 'password', username, password: password.reveal() };
    if (!open('keyboard-interactive')) return false;
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
      const method = offer(accepted);
      if (method !== false) tried.add(method.type);
      return method;
    },
    evidence: () => {
      const ways = [...tried].filter((type) => type !== 'none');
      return [
        problem,
        ways.length === 0 ? 'No key or password was offered.' : `Tried: ${ways.join(', ')}.`,
        devicesChoice.length === 0 ? undefined : `The device accepts: ${devicesChoice.join(', ')}.`,
      ]
        .filter((sentence) => sentence !== undefined)
        .join(' ');
    },
  };
}
