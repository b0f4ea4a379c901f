import { spawn } from 'node:child_process';

/** A browser opener answers at once or not at all. */
const LIMIT_MS = 5_000;

/**
 * Opens a page in the browser of this computer's desktop.
 * @param environment where a desktop says that it is there
 * @returns false where there is none, or it could not be asked
 */
export function openBrowser(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const program = openerOf(process.platform, environment);
  if (program === undefined || !/^https?:\/\//.test(url)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(program, [url], { stdio: 'ignore', detached: true });
    const limit = setTimeout(() => resolve(true), LIMIT_MS);
    const settle = (opened: boolean): void => {
      clearTimeout(limit);
      resolve(opened);
    };
    child.once('error', () => settle(false));
    child.once('close', (code) => settle(code === 0));
    child.unref();
  });
}

function openerOf(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (platform === 'darwin') return environment.SSH_CONNECTION ? undefined : 'open';
  return environment.DISPLAY || environment.WAYLAND_DISPLAY ? 'xdg-open' : undefined;
}
