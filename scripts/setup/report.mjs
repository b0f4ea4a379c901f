// @ts-check
// How set-up talks: one short line per thing it really does, one sentence and one command when it cannot go on.

/** A set-up failure a person can act on. Printed without a stack trace. */
export class SetupProblem extends Error {
  /**
   * @param {string} sentence what is wrong, as one sentence
   * @param {string} [command] the one command (or web address) that mends it
   */
  constructor(sentence, command) {
    super(sentence);
    this.name = 'SetupProblem';
    this.command = command;
  }
}

/**
 * Prints one line about a part of the set-up.
 * @param {string} part
 * @param {string} text
 */
export function say(part, text) {
  process.stderr.write(`${part}: ${text}\n`);
}

/**
 * Text for a failure: sentence and command of a known problem, the full stack of a bug.
 * @param {unknown} error
 */
export function explain(error) {
  if (error instanceof SetupProblem) {
    return error.command ? `${error.message}\n  Run:  ${error.command}` : error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Runs a script's main function; a failure is explained and becomes exit status 1.
 * @param {() => Promise<number | void>} main gives the exit status (nothing: 0)
 */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    process.stderr.write(`\n${explain(error)}\n`);
    process.exitCode = 1;
  }
}
