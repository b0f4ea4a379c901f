// @ts-check
// A desktop session for tests and measurements: a keyring and, when asked, a display in memory.
import { startVirtualDisplay } from './display.mjs';
import { startKeyring } from './keyring.mjs';

/**
 * Runs something in a desktop session of its own on Linux; elsewhere the machine's own session serves.
 * @template T
 * @param {NodeJS.ProcessEnv} env
 * @param {{ display: boolean }} options
 * @param {(env: NodeJS.ProcessEnv) => Promise<T>} work
 */
export async function withDesktop(env, { display }, work) {
  if (process.platform !== 'linux') return await work(env);
  const keyring = await startKeyring(env);
  try {
    if (!display) return await work(keyring.env);
    // Always a display of its own: the same size everywhere, and no window takes the focus of a person.
    const screen = await startVirtualDisplay(keyring.env);
    try {
      return await work(screen.env);
    } finally {
      await screen.stop();
    }
  } finally {
    await keyring.stop();
  }
}
