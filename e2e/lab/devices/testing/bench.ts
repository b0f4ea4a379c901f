import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'ssh2';
import { ownLoopback } from '../../testing/own-loopback.ts';
import { makeKeyTexts } from '../host-key.ts';
import type { RehearsalDevice, RehearsalDevicesOptions, SandboxMode } from '../model.ts';
import { whyNoNamespaces } from '../namespace-sandbox.ts';
import { startRehearsalDevices } from '../start-rehearsal-devices.ts';
import { connectTo } from './ssh-client.ts';

/** The modes this computer can run; says loudly which one it cannot. */
export async function modesHere(): Promise<readonly SandboxMode[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'rehearsal-probe-'));
  const why = await whyNoNamespaces(scratch);
  await rm(scratch, { recursive: true, force: true });
  if (why === undefined) return ['namespace', 'prefix'];
  console.warn(`NOT TESTED HERE: rehearsal devices in namespaces, because ${why}`);
  return ['prefix'];
}

/** Devices for one test file, with a client key that may sign in, and everything put away at the end. */
export class Bench {
  readonly key = makeKeyTexts();
  readonly #dirs: string[] = [];
  readonly #devices: RehearsalDevice[] = [];
  readonly #clients: Client[] = [];

  async start(options: Partial<RehearsalDevicesOptions>): Promise<readonly RehearsalDevice[]> {
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'rehearsal-')));
    await mkdir(dir, { recursive: true });
    this.#dirs.push(dir);
    const devices = await startRehearsalDevices({
      authorizedKey: this.key.publicKey,
      aptSeconds: 0.05,
      host: ownLoopback(),
      ...options,
      dir,
    });
    this.#devices.push(...devices);
    return devices;
  }

  async startOne(options: Partial<RehearsalDevicesOptions>): Promise<RehearsalDevice> {
    const [device] = await this.start({ count: 1, ...options });
    if (device === undefined) throw new Error('no device was started');
    return device;
  }

  /** Signs in with the bench's key. */
  async connect(device: RehearsalDevice): Promise<Client> {
    const client = await connectTo(device, { privateKey: this.key.privateKey });
    this.#clients.push(client);
    return client;
  }

  async putAway(): Promise<void> {
    for (const client of this.#clients) client.end();
    await Promise.all(this.#devices.map((device) => device.stop()));
    await Promise.all(this.#dirs.map((dir) => rm(dir, { recursive: true, force: true })));
  }
}
