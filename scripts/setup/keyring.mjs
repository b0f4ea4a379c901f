// @ts-check
// A private desktop session for tests: its own D-Bus and an unlocked, empty Secret Service.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { startCompanion, waitUntil } from './companions.mjs';
import { capture } from './processes.mjs';

/** The password of a keyring that lives as long as the tests. */
const PASSWORD = 'for-tests-only';
/** Ends what hangs; a busy computer takes its time. */
const LIMIT_MS = 60_000;
const COLLECTION = '/org/freedesktop/secrets/collection/login';

/**
 * Starts the session. Needs dbus-daemon, dbus-send and gnome-keyring-daemon.
 * @param {NodeJS.ProcessEnv} [base]
 * @returns {Promise<{ env: NodeJS.ProcessEnv, lock: () => Promise<void>, unlock: () => Promise<void>, stop: () => Promise<void> }>}
 *   the environment for programs that use it; what a desktop does to it when its screen is locked, and at the login
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
    await waitUntil('dbus-daemon', bus, () => fs.existsSync(socket), LIMIT_MS);
    started.push(await startSecretService(folder, env));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env,
    lock: () => lockKeyring(env),
    unlock: () => unlockKeyring(path.join(folder, 'control', 'control')),
    stop,
  };
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
    { env: { ...env, ...(data ? { XDG_DATA_HOME: data } : {}) }, stdin: PASSWORD },
  );
  const question = [
    '--session',
    '--print-reply=literal',
    '--reply-timeout=15000',
    '--dest=org.freedesktop.DBus',
    '/org/freedesktop/DBus',
    'org.freedesktop.DBus.NameHasOwner',
    'string:org.freedesktop.secrets',
  ];
  const isOnTheBus = async () =>
    (await capture('dbus-send', question, { env, limitMs: 20_000 })).stdout.includes('true');
  try {
    await waitUntil('gnome-keyring-daemon', service, isOnTheBus, LIMIT_MS);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @throws {Error} when the service does not say that it is locked
 */
async function lockKeyring(env) {
  const lock = ['call', '--session', '--timeout=50', '--dest=org.freedesktop.secrets'];
  const object = ['--object-path=/org/freedesktop/secrets', '--method=org.freedesktop.Secret.Service.Lock'];
  const { stdout, stderr } = await capture('gdbus', [...lock, ...object, `['${COLLECTION}']`], {
    env,
    limitMs: LIMIT_MS,
  });
  if (!stdout.includes(COLLECTION)) throw new Error(`The keyring was not locked: ${stdout}${stderr}`);
}

/**
 * The password by the daemon's control socket, as a login gives it: a byte that shows whose it is, then length, operation
 * and password; the answer is its length and 0.
 * @param {string} socketPath
 * @returns {Promise<void>}
 */
function unlockKeyring(socketPath) {
  const UNLOCK = 1;
  const message = Buffer.alloc(12 + PASSWORD.length);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(UNLOCK, 4);
  message.writeUInt32BE(PASSWORD.length, 8);
  message.write(PASSWORD, 12);
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath, () => socket.write(Buffer.concat([Buffer.of(0), message])));
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('The keyring did not answer.')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      if (answer.length === 8 && answer.readUInt32BE(4) === 0) resolve();
      else reject(new Error(`The keyring was not unlocked: ${answer.toString('hex')}`));
    });
  });
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
