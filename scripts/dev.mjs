// @ts-check
// npm run dev: the Station on the lab, rebuilt and reloaded while you edit.
import { build } from './build.mjs';
import { inProject, isRoot, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain } from './setup/report.mjs';
import { setUp } from './setup.mjs';
import { chooseProgram } from './start.mjs';

await runMain(async () => {
  const env = await setUp({ window: true, lab: true });
  await build({ env }); // The lab's own bundles are not part of what is watched.
  const { args } = chooseProgram(process.argv.slice(2), true);
  const script = inProject('node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  const sandbox = isRoot() ? ['--noSandbox'] : [];
  return await foreground(process.execPath, [script, 'dev', '--watch', ...sandbox, '--', ...args], {
    cwd: projectRoot,
    env,
  });
});
