import type { ReadStream } from 'node:tty';
import { Secret } from '../model/secret.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const BACKSPACES = ['\u007f', '\b'];
const MOST_CHARACTERS = 1024;

/** A terminal that can be asked, and where the question is written. */
export interface SecretTerminal {
  readonly input: Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>;
  write(text: string): void;
  /** Called for Ctrl-C: in raw mode no signal comes by itself. */
  onInterrupt(): void;
}

/**
 * Asks for a secret on the terminal, without showing what is typed.
 * @returns undefined when nothing was entered
 * @throws the signal's reason
 */
export async function askSecret(
  terminal: SecretTerminal,
  question: string,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const typed = await readTyped(terminal, question, signal, () => undefined);
  return typed === '' ? undefined : new Secret(typed);
}

/**
 * Asks for a line on the terminal, which shows what is typed.
 * @throws the signal's reason
 */
export function askLine(terminal: SecretTerminal, question: string, signal: AbortSignal): Promise<string> {
  const show = (before: string, after: string): void =>
    terminal.write(after.startsWith(before) ? after.slice(before.length) : `\r\u001b[2K${question}${after}`);
  return readTyped(terminal, question, signal, show);
}

function readTyped(
  terminal: SecretTerminal,
  question: string,
  signal: AbortSignal,
  show: (before: string, after: string) => void,
): Promise<string> {
  const { input } = terminal;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let typed = '';
    const end = (outcome: () => void): void => {
      input.off('data', onData);
      input.off('end', onGone);
      input.off('error', onGone);
      signal.removeEventListener('abort', onAbort);
      input.setRawMode(false);
      input.pause();
      terminal.write('\n');
      outcome();
    };
    const onAbort = (): void => end(() => reject(signal.reason));
    // The terminal has hung up: nobody answers any more.
    const onGone = (): void => end(() => resolve(''));
    const onData = (bytes: Buffer | string): void => {
      for (const character of bytes.toString()) {
        if (character === CTRL_C) {
          terminal.onInterrupt();
          return;
        }
        if (character === '\r' || character === '\n' || character === CTRL_D) {
          end(() => resolve(typed));
          return;
        }
        const before = typed;
        if (character === CTRL_U) typed = '';
        else if (BACKSPACES.includes(character)) typed = [...typed].slice(0, -1).join('');
        else if (typed.length < MOST_CHARACTERS && character >= ' ') typed += character;
        show(before, typed);
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // Before the question: who answers at once must not see it echoed either.
    input.setRawMode(true);
    terminal.write(question);
    input.on('data', onData);
    input.on('end', onGone);
    input.on('error', onGone);
    input.resume();
  });
}
