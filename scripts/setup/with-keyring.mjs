#!/usr/bin/env node
// @ts-check
// with-keyring.mjs [--limit=SECONDS] [--display] command [arguments]
// Runs a command with a private session bus and an unlocked, empty Secret Service (and with --display on a display
// in memory). Gives the command's exit status, 124 at the limit, 127 when there is no such command.
import { startVirtualDisplay } from './display.mjs';
import { startKeyring } from './keyring.mjs';
import { foreground } from './processes.mjs';
import { runMain, SetupProblem } from './report.mjs';

/**
 * Splits this script's options from the command.
 * @param {readonly string[]} args
 * @returns {{ limitMs?: number, display: boolean, command: readonly string[] }}
 * @throws {SetupProblem} for an unknown option or a missing command
 */
export function readArguments(args) {
  /** @type {{ limitMs?: number, display: boolean }} */
  const options = { display: false };
  for (const [index, word] of args.entries()) {
    const seconds = /^--limit=(\d+)$/.exec(word)?.[1];
    if (seconds) options.limitMs = Number(seconds) * 1_000;
    else if (word === '--display') options.display = true;
    else if (word.startsWith('-') && word !== '--')
      throw new SetupProblem(`with-keyring: unknown option ${word}`);
    else {
      const command = args.slice(word === '--' ? index + 1 : index);
      if (command.length > 0) return { ...options, command };
    }
  }
  throw new SetupProblem('usage: with-keyring.mjs [--limit=SECONDS] [--display] command [arguments]');
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const { limitMs, display, command } = readArguments(process.argv.slice(2));
    const keyring = await startKeyring();
    const screen = display ? await startVirtualDisplay(keyring.env) : undefined;
    const [program = '', ...args] = command;
    const env = screen?.env ?? keyring.env;
    const status = await foreground(program, args, {
      env,
      graceMs: 3_000,
      ownGroup: true,
      ...(limitMs ? { limitMs } : {}),
    });
    await screen?.stop();
    await keyring.stop();
    return status;
  });
}
