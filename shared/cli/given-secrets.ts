import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Secret } from '../model/secret.ts';
import { UsageError } from './usage-error.ts';

/** Secrets automation may hand in. None of them has a command line option: arguments are visible to everybody. */
export const secretVariables = {
  token: ['MUSTER_ADMIN_TOKEN', 'HARMONY_ZITADEL_ADMIN_TOKEN'],
  sudoPassword: ['MUSTER_SUDO_PASSWORD'],
  sshPassword: ['MUSTER_SSH_PASSWORD'],
  keyPassphrase: ['MUSTER_SSH_KEY_PASSPHRASE'],
} as const;
export type SecretName = keyof typeof secretVariables;

/** A secret, and the variable it came from. */
export interface GivenSecret {
  readonly value: Secret;
  readonly variable: string;
}
export type GivenSecrets = { readonly [Name in SecretName]?: GivenSecret };

/** Tokens have some kilobytes; whatever is larger is another file. */
const LIMIT_BYTES = 64 * 1024;

/**
 * Takes the secrets out of the environment: `NAME`, `NAME_FILE` (a file) or `NAME_FD` (an open file descriptor). They
 * are removed from it at once, so that no program that is started later inherits them. One that is named twice, is empty or
 * cannot be read is refused by whoever asks for it, with a {@link UsageError}: what does without it is not kept from running.
 */
export function takeGivenSecrets(environment: Record<string, string | undefined>): GivenSecrets {
  const found: { -readonly [Name in SecretName]?: GivenSecret } = {};
  for (const [name, variables] of Object.entries(secretVariables) as [SecretName, readonly string[]][]) {
    const ways = variables.flatMap((variable) =>
      (['', '_FILE', '_FD'] as const).flatMap((ending) => {
        const text = environment[variable + ending];
        delete environment[variable + ending];
        return text === undefined ? [] : [{ variable: variable + ending, ending, text }];
      }),
    );
    const [way, other] = ways;
    if (way === undefined) continue;
    const refuse = (problem: string): void => {
      const get = (): never => {
        throw new UsageError(problem);
      };
      Object.defineProperty(found, name, { get });
    };
    if (other !== undefined) refuse(`${way.variable} and ${other.variable} are both set.`);
    else {
      try {
        found[name] = { variable: way.variable, value: readSecret(way.ending, way.text) };
      } catch (thrown) {
        refuse(`${way.variable}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      }
    }
  }
  return found;
}

/** For commands that may use all of them: tells now what would be refused on the way. @throws UsageError */
export function requireUsable(secrets: GivenSecrets): void {
  for (const name of Object.keys(secretVariables) as SecretName[]) void secrets[name];
}

/** A secret on standard input, or undefined where nothing comes. @throws UsageError when it is no secret */
export function readStandardInput(): Secret | undefined {
  let text: string;
  try {
    text = readAll(0);
  } catch (thrown) {
    throw new UsageError(`Standard input: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  const trimmed = text.replace(/\r?\n$/, '');
  if (trimmed === '') return undefined;
  if (/[\r\n]/.test(trimmed)) throw new UsageError('Standard input: it has more than one line.');
  return new Secret(trimmed);
}

function readSecret(ending: '' | '_FILE' | '_FD', text: string): Secret {
  const value = ending === '' ? text : readFrom(ending, text);
  // Editors and shells end a file with a line break that is no part of the secret.
  const trimmed = value.replace(/\r?\n$/, '');
  if (trimmed === '') throw new Error('it is empty.');
  if (/[\r\n]/.test(trimmed)) throw new Error('it has more than one line.');
  return new Secret(trimmed);
}

function readFrom(ending: '_FILE' | '_FD', text: string): string {
  if (ending === '_FILE') {
    const fd = openSync(text, 'r');
    try {
      if (fstatSync(fd).isDirectory()) throw new Error('it is a folder.');
      return readAll(fd);
    } finally {
      closeSync(fd);
    }
  }
  if (!/^\d{1,4}$/.test(text)) throw new Error('it is not the number of a file descriptor.');
  const fd = Number(text);
  const content = readAll(fd);
  // Closed, so that nobody who is started later finds it; the standard streams are needed.
  if (fd > 2) closeSync(fd);
  return content;
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(LIMIT_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.toString('utf8', 0, length);
    length += count;
    if (length > LIMIT_BYTES) throw new Error(`it has more than ${LIMIT_BYTES} bytes.`);
  }
}
