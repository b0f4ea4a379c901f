// @ts-check
// npm start: all set-up, then the Station on the lab; without a display the same batch in the terminal.
import { build } from './build.mjs';
import { hasDisplay } from './setup/display.mjs';
import { inProject, isRoot, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain, say } from './setup/report.mjs';
import { setUp } from './setup.mjs';

const TERMINAL_IS_THE_LABS =
  "The run in the terminal is the lab's: --profile needs a window. Leave --headless or --profile away.";
const NO_DISPLAY =
  "There is no display here, and --profile needs a window: the run in the terminal is the lab's. Leave --profile away.";

/**
 * Decides what to start from the arguments after `npm start --`. All of them reach the program except
 * `--headless`, which is for this script. `refusal` is the sentence for arguments that do not go together.
 * @param {readonly string[]} args
 * @param {boolean} display whether a window can be shown
 * @returns {{ mode: 'window' | 'terminal', asked: boolean, args: readonly string[], refusal?: string }}
 */
export function chooseProgram(args, display) {
  const asked = args.includes('--headless');
  const passedOn = args.filter((word) => word !== '--headless');
  const ownProfile = passedOn.some((word) => word === '--profile' || word.startsWith('--profile='));
  if (asked || !display) {
    const refusal = ownProfile ? { refusal: asked ? TERMINAL_IS_THE_LABS : NO_DISPLAY } : {};
    return { mode: 'terminal', asked, args: passedOn, ...refusal };
  }
  const needsLab = !ownProfile && !passedOn.includes('--lab');
  return { mode: 'window', asked, args: needsLab ? ['--lab', ...passedOn] : passedOn };
}

async function main() {
  const choice = chooseProgram(process.argv.slice(2), hasDisplay());
  if (choice.refusal !== undefined) {
    say('start', choice.refusal);
    return 2;
  }
  if (choice.mode === 'terminal') {
    if (!choice.asked) say('start', 'no display here, running the batch in the terminal');
    const env = await setUp({ lab: true });
    await build({ env });
    return await foreground(process.execPath, [inProject('out', 'main', 'headless.js'), ...choice.args], {
      env,
    });
  }
  const lab = choice.args.includes('--lab');
  const env = await setUp({ window: true, lab });
  await build({ env });
  say(
    'start',
    lab ? 'opening the Station on the lab (Ctrl-C ends both)' : 'opening the Station (Ctrl-C ends it)',
  );
  // Chromium refuses to run as root with its sandbox.
  const switches = isRoot() ? ['--no-sandbox'] : [];
  return await foreground(env.ELECTRON_EXEC_PATH ?? 'electron', [...switches, projectRoot, ...choice.args], {
    env,
  });
}

if (process.argv[1] === import.meta.filename) await runMain(main);
