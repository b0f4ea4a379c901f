// @ts-check
// npm run pack: an unpacked application in release/; arguments reach electron-builder.
import { build } from './build.mjs';
import { electronRuntime } from './setup/electron-runtime.mjs';
import { inProject, projectRoot } from './setup/paths.mjs';
import { foreground } from './setup/processes.mjs';
import { runMain, say } from './setup/report.mjs';
import { setUp } from './setup.mjs';

await runMain(async () => {
  const env = await setUp({ window: true });
  await build({ env });
  const runtime = await electronRuntime();
  if (runtime.source === 'registry') {
    say('pack', `with the stand-in Electron ${runtime.version}: good for trying out, not for release`);
  }
  const script = inProject('node_modules', 'electron-builder', 'cli.js');
  const dist = [`--config.electronDist=${runtime.folder}`, `--config.electronVersion=${runtime.version}`];
  const args = ['--dir', '--publish', 'never', ...dist, ...process.argv.slice(2)];
  return await foreground(process.execPath, [script, ...args], { cwd: projectRoot, env });
});
