// @ts-check
// npm run farm: real Debian devices that stay up in the background (e2e/farm/standing/); the tests are `npm test -- farm`.
import { inProject, isRoot, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain, SetupProblem } from './setup/report.mjs';
import { installSystemLibraries } from './setup/system-libraries.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  if (process.platform !== 'linux') {
    throw new SetupProblem('Real devices need Linux: they are Debian systems that share its kernel.');
  }
  if (!isRoot()) {
    throw new SetupProblem('Real devices need root, for namespaces and mounts.', 'sudo npm run farm -- up 8');
  }
  const env = await setUp({ lab: true });
  await installSystemLibraries({ farm: true });
  const tsx = ['--import', inProject('node_modules', 'tsx', 'dist', 'loader.mjs')];
  const cli = inProject('e2e', 'farm', 'standing', 'cli.ts');
  return await foreground(process.execPath, [...tsx, cli, ...process.argv.slice(2)], {
    cwd: projectRoot,
    env,
  });
});
