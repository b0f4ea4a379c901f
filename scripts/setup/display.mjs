// @ts-check
// Whether this machine can show a window, and a display in memory for tests where it cannot.
import { startCompanion, waitUntil } from './companions.mjs';

/**
 * True when a window can be opened here.
 * @param {NodeJS.ProcessEnv} [env]
 * @param {NodeJS.Platform} [platform]
 */
export function hasDisplay(env = process.env, platform = process.platform) {
  return platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * Starts an Xvfb on a free display number that it chooses itself.
 * @param {NodeJS.ProcessEnv} [base]
 * @returns {Promise<{ env: NodeJS.ProcessEnv, stop: () => Promise<void> }>} the environment for programs that use it
 * @throws {Error} when Xvfb does not start, with its own words
 */
export async function startVirtualDisplay(base = process.env) {
  const server = startCompanion(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', '1920x1200x24', '-nolisten', 'tcp'],
    {
      stdio3: 'pipe',
    },
  );
  let announced = '';
  const pipe = /** @type {import('node:stream').Readable} */ (server.process.stdio[3]);
  pipe.setEncoding('utf8').on('data', (text) => {
    announced += text;
  });
  try {
    await waitUntil('Xvfb', server, () => announced.includes('\n'), 60_000);
  } catch (error) {
    await server.stop();
    throw error;
  }
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...base, DISPLAY: `:${announced.trim()}` };
  delete env.WAYLAND_DISPLAY;
  delete env.XAUTHORITY;
  return { env, stop: server.stop };
}
