// @ts-check
import { SetupProblem } from './report.mjs';

/** The oldest Node that runs the tools (`engines` in package.json says the same). */
export const oldestNode = '20.19.0';

/**
 * Refuses a Node or a platform that Muster's development set-up does not work on.
 * @param {string} [version] without the leading `v`
 * @param {NodeJS.Platform} [platform]
 * @throws {SetupProblem}
 */
export function checkNode(version = process.versions.node, platform = process.platform) {
  if (platform === 'win32') {
    throw new SetupProblem(
      'The lab runs on Linux and macOS. Missing on Windows: a sandboxed root for the rehearsal devices ' +
        'and the Unix tools they run. Use WSL 2.',
      'wsl --install',
    );
  }
  if (!isAtLeast(version, oldestNode)) {
    throw new SetupProblem(
      `Node ${version} is too old: Muster needs ${oldestNode} or newer.`,
      'open https://nodejs.org and install the current LTS',
    );
  }
}

/**
 * Compares dotted versions by their first three numbers.
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
  const have = numbersOf(version);
  const want = numbersOf(minimum);
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** @param {string} version */
function numbersOf(version) {
  return (/\d+(\.\d+){0,2}/.exec(version)?.[0] ?? '0').split('.').map(Number);
}
