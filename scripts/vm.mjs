// @ts-check
// npm run vm: a Debian for 64-bit ARM in a virtual machine, ready to be enrolled.
import { installDependencies } from './setup/dependencies.mjs';
import { checkNode } from './setup/node-version.mjs';
import { runMain } from './setup/report.mjs';

await runMain(async () => {
  checkNode();
  await installDependencies();
  // Only now: the rest is TypeScript and uses what was just installed.
  const { tsImport } = await import('tsx/esm/api');
  const { main } = await tsImport('./vm/main.ts', import.meta.url);
  return await main(process.argv.slice(2));
});
