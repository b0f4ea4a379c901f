// @ts-check
// npm run bench -- NAME: measurements, each in a process of its own; without a name all of them.
import fs from 'node:fs';
import { build } from './build.mjs';
import { withDesktop } from './setup/desktop.mjs';
import { inProject, projectRoot } from './setup/paths.mjs';
import { foreground, stopRequested } from './setup/processes.mjs';
import { runMain, SetupProblem } from './setup/report.mjs';
import { setUp } from './setup.mjs';

const folder = inProject('e2e', 'bench');
const ending = '.bench.ts';

await runMain(async () => {
  const known = fs.existsSync(folder)
    ? fs.readdirSync(folder).flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : []))
    : [];
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown)
    throw new SetupProblem(`There is no bench "${unknown}"; there are ${known.join(', ') || 'none'}.`);
  const env = await setUp({ window: true, tests: true, lab: true });
  await build({ env });
  return await withDesktop(env, { display: true }, async (session) => {
    let worst = 0;
    for (const name of wanted.length > 0 ? wanted : known) {
      const args = [
        inProject('node_modules', 'tsx', 'dist', 'cli.mjs'),
        inProject('scripts', 'bench', 'run-bench.ts'),
      ];
      const options = { cwd: projectRoot, env: session, limitMs: 15 * 60_000, ownGroup: true };
      const status = await foreground(
        process.execPath,
        [...args, inProject('e2e', 'bench', `${name}${ending}`)],
        options,
      );
      worst = Math.max(worst, status);
      if (stopRequested()) break;
    }
    return worst;
  });
});
