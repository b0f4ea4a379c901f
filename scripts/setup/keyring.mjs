// @ts-check
// A private desktop session for tests: its own D-Bus and an unlocked, empty Secret Service.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startCompanion, waitUntil } from './companions.mjs';
import { capture } from './processes.mjs';

/**
 * Starts the session. Needs dbus-daemon, dbus-send and gnome-keyring-daemon.
 * @param {NodeJS.ProcessEnv} [base]
 * @returns {Promise<{ env: NodeJS.ProcessEnv, stop: () => Promise<void> }>} the environment for programs that use it
 * @throws {Error} when a daemon does not start, with its own words
 */
export async function startKeyring(base = process.env) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-keyring-'));
  const removeFolder = () => fs.rmSync(folder, { recursive: true, force: true });
  process.on('exit', removeFolder);
  /** @type {import('./companions.mjs').Companion[]} */
  const started = [];
  const stop = async () => {
    for (const companion of started.reverse()) await companion.stop();
    process.off('exit', removeFolder);
    removeFolder();
  };
  const socket = path.join(folder, 'bus');
  /** @type {NodeJS.ProcessEnv} */
  const env = {
    ...base,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}`,
    XDG_CURRENT_DESKTOP: 'GNOME', // Chromium chooses its keychain by the desktop's name.
  };
  delete env.GNOME_KEYRING_CONTROL; // Would lead to the keyring of the person who runs the tests.
  try {
    const configuration = path.join(folder, 'bus.conf');
    fs.writeFileSync(configuration, busConfiguration(socket));
    const bus = startCompanion('dbus-daemon', ['--nofork', '--nopidfile', `--config-file=${configuration}`], {
      env,
    });
    started.push(bus);
    await waitUntil('dbus-daemon', bus, () => fs.existsSync(socket), 5_000);
    started.push(await startSecretService(folder, env));
  } catch (error) {
    await stop();
    throw error;
  }
  return { env, stop };
}

/**
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
async function startSecretService(folder, env) {
  const [data, control] = ['data', 'control'].map((name) => path.join(folder, name));
  for (const own of [data, control]) fs.mkdirSync(/** @type {string} */ (own), { mode: 0o700 });
  const service = startCompanion(
    'gnome-keyring-daemon',
    ['--foreground', '--unlock', '--components=secrets', `--control-directory=${control}`],
    // The password of an empty keyring that lives as long as the tests.
    { env: { ...env, ...(data ? { XDG_DATA_HOME: data } : {}) }, stdin: 'for-tests-only' },
  );
  const question = [
    '--session',
    '--print-reply=literal',
    '--reply-timeout=1500',
    '--dest=org.freedesktop.DBus',
    '/org/freedesktop/DBus',
    'org.freedesktop.DBus.NameHasOwner',
    'string:org.freedesktop.secrets',
  ];
  const isOnTheBus = async () =>
    (await capture('dbus-send', question, { env, limitMs: 2_000 })).stdout.includes('true');
  try {
    await waitUntil('gnome-keyring-daemon', service, isOnTheBus, 10_000);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

/**
 * A bus that starts no service by itself: an activated one would outlive the tests, and the system's own
 * keyring would come up locked and ask for a password on a screen nobody sees.
 * @param {string} socket
 */
function busConfiguration(socket) {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
`;
}
