// @ts-check
// All set-up a command needs, in order. Quick when everything is there; `node scripts/setup.mjs [purpose...]` alone is fine.
import { installDependencies } from './setup/dependencies.mjs';
import { electronEnvironment, electronRuntime } from './setup/electron-runtime.mjs';
import { natsServer } from './setup/nats-server.mjs';
import { checkNode } from './setup/node-version.mjs';
import { runMain, say } from './setup/report.mjs';
import { installSystemLibraries } from './setup/system-libraries.mjs';

export { electronRuntime, natsServer };

/**
 * Brings this machine to where the wanted things work.
 * @param {{ window?: boolean, tests?: boolean, lab?: boolean }} wanted window: Electron and its libraries; tests: what
 *   only tests need; lab: nats-server
 * @returns {Promise<NodeJS.ProcessEnv>} the environment for what is started next
 */
export async function setUp({ window = false, tests = false, lab = false }) {
  checkNode();
  await installDependencies();
  await installSystemLibraries({ window, tests });
  const [runtime, nats] = await Promise.all([
    window ? electronRuntime() : undefined,
    lab ? natsServer() : undefined,
  ]);
  const env = runtime ? electronEnvironment(runtime) : { ...process.env };
  if (nats) env.MUSTER_NATS_SERVER = nats.executable;
  return env;
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const env = await setUp({ window: true, tests: process.argv.includes('--tests'), lab: true });
    say('set-up', `ready (Electron ${env.ELECTRON_EXEC_PATH}, nats-server ${env.MUSTER_NATS_SERVER})`);
  });
}
