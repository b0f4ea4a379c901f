import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Secret } from '#shared/model/secret.ts';
import { AddressBook } from './address-book.ts';
import { isRehearsalFault } from './faults.ts';
import { keptHostKey } from './host-key.ts';
import { findHostNode } from './host-node.ts';
import type {
  RehearsalDevice,
  RehearsalDeviceRequest,
  RehearsalDevicesOptions,
  SandboxMode,
} from './model.ts';
import { namespacesHaveRealUsers, openNamespaceSandbox, whyNoNamespaces } from './namespace-sandbox.ts';
import { openPrefixSandbox } from './prefix-sandbox.ts';
import { RunningDevice } from './running-device.ts';
import type { StandIns } from './sandbox.ts';
import { writeSkeleton } from './skeleton.ts';
import { layOutStandIns } from './stand-ins.ts';

const DEFAULT_COUNT = 12;
/** Devices whose roots are made at the same time; more only wait for the same cores. */
const STARTING_AT_A_TIME = 8;
/** What sudo asks for when the lab gave the login user no password. */
export const DEFAULT_SUDO_PASSWORD = 'rehearsal';

/**
 * Starts the lab's rehearsal devices: real SSH servers on loopback, each with a sandboxed root of its own.
 * When one cannot start, those that did are stopped again.
 * @throws Error with a sentence for a person, e.g. on Windows or when `node` is missing.
 */
export async function startRehearsalDevices(
  options: RehearsalDevicesOptions,
): Promise<readonly RehearsalDevice[]> {
  if (process.platform === 'win32') {
    throw new Error(
      'Rehearsal devices need a POSIX shell and Unix processes, which Windows lacks. Run the lab on Linux or macOS, or inside WSL 2.',
    );
  }
  const requests = options.devices ?? numbered(options.count ?? DEFAULT_COUNT);
  for (const request of requests) checkRequest(request);
  options.signal?.throwIfAborted();
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const nodePath = await findHostNode();
  const mode = options.mode ?? ((await whyNoNamespaces(dir)) === undefined ? 'namespace' : 'prefix');
  const folded = mode === 'prefix' || !namespacesHaveRealUsers();
  const standIns = await layOutStandIns(dir, mode, folded, options.standInsDir);
  const addresses = await AddressBook.open(options.addressBook);
  const started: RehearsalDevice[] = [];
  try {
    for (let at = 0; at < requests.length; at += STARTING_AT_A_TIME) {
      options.signal?.throwIfAborted();
      const some = requests.slice(at, at + STARTING_AT_A_TIME);
      const results = await Promise.allSettled(
        some.map((request) =>
          startOne(request, { ...options, dir }, { mode, folded, standIns, nodePath, addresses }),
        ),
      );
      for (const result of results) if (result.status === 'fulfilled') started.push(result.value);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
    await addresses.save();
    options.signal?.throwIfAborted();
  } catch (error) {
    await Promise.all(started.map((device) => device.stop()));
    throw error;
  }
  // A stop that fails here is told to whoever calls stop() afterwards: it gives the same promise.
  options.signal?.addEventListener(
    'abort',
    () => void Promise.allSettled(started.map((device) => device.stop())),
    {
      once: true,
    },
  );
  return started;
}

interface Surroundings {
  readonly mode: SandboxMode;
  readonly folded: boolean;
  readonly standIns: StandIns;
  readonly nodePath: string;
  readonly addresses: AddressBook;
}

async function startOne(
  request: RehearsalDeviceRequest,
  options: RehearsalDevicesOptions,
  { mode, folded, standIns, nodePath, addresses }: Surroundings,
): Promise<RehearsalDevice> {
  const { name } = request;
  const user = options.user ?? 'pi';
  const folder = join(options.dir, name);
  const root = join(folder, 'root');
  const keep = options.keep ?? false;
  const fresh = !keep || !existsSync(join(root, 'etc/machine-id'));
  // What a killed lab left behind; its processes ended with their holder.
  if (fresh) await rm(folder, { recursive: true, force: true });
  else await rm(join(root, 'run'), { recursive: true, force: true });
  await mkdir(join(root, 'run'), { recursive: true });
  if (fresh) {
    const sudoPassword = options.password ?? new Secret(DEFAULT_SUDO_PASSWORD);
    writeSkeleton({ root, name, user, sudoPassword, folded, aptSeconds: options.aptSeconds ?? 1.2 });
  }
  const open = mode === 'namespace' ? openNamespaceSandbox : openPrefixSandbox;
  const sandbox = await open({ name, user, folder, root, standIns, nodePath });
  const hostKey = keep ? await keptHostKey(folder) : addresses.hostKey(name);
  const device = new RunningDevice({ name, user, root, folder, keep, sandbox, hostKey, addresses, options });
  try {
    for (const fault of request.faults ?? []) await device.setFault(fault, true);
    await device.open();
  } catch (error) {
    await device.stop();
    throw error;
  }
  return device;
}

function numbered(count: number): RehearsalDeviceRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `bench-${String(index + 1).padStart(2, '0')}`,
  }));
}

function checkRequest({ name, faults }: RehearsalDeviceRequest): void {
  // The name becomes a folder and a host name.
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `"${name}" cannot be a rehearsal device's name: use a-z, 0-9 and hyphens inside, at most 63.`,
    );
  }
  const unknown = (faults as readonly string[] | undefined)?.find(
    (fault: string) => !isRehearsalFault(fault),
  );
  if (unknown !== undefined) throw new Error(`There is no rehearsal fault called "${unknown}".`);
}
