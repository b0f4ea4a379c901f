// @ts-check
// npm run bench:devices: the engine beside OpenSSH and Ansible on real devices; needs root on Linux.
import { inProject, isRoot, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain, SetupProblem } from './setup/report.mjs';
import { installSystemLibraries } from './setup/system-libraries.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  if (!isRoot()) throw new SetupProblem('Real devices need root on Linux.', 'sudo npm run bench:devices');
  const env = await setUp({});
  await installSystemLibraries({ farm: true, comparison: true });
  const tsx = [process.execPath, '--import', inProject('node_modules', 'tsx', 'dist', 'loader.mjs')];
  const bench = [
    inProject('scripts', 'bench', 'run-bench.ts'),
    inProject('e2e', 'bench', 'devices.farm-bench.ts'),
  ];
  const [node = '', ...args] = [
    ...tsx,
    inProject('e2e', 'farm', 'with-lan.ts'),
    ...tsx,
    '--expose-gc',
    ...bench,
  ];
  return await foreground(node, args, { cwd: projectRoot, env, limitMs: 30 * 60_000, ownGroup: true });
});
