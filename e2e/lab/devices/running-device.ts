import { rm } from 'node:fs/promises';
import type { AddressBook } from './address-book.ts';
import type { RehearsalFault } from './faults.ts';
import { type HostKey, makeHostKey } from './host-key.ts';
import type { RehearsalDevice, RehearsalDevicesOptions, RehearsalProcess, SandboxMode } from './model.ts';
import type { Sandbox } from './sandbox.ts';
import { SshFront } from './ssh-front.ts';
import { signInWith } from './ssh-sign-in.ts';

const NOISE = 'Welcome to the line.\nLast maintenance: never. Have a nice day!\n';

interface Parts {
  readonly name: string;
  readonly user: string;
  readonly root: string;
  readonly folder: string;
  readonly keep: boolean;
  readonly sandbox: Sandbox;
  readonly hostKey: HostKey;
  readonly addresses: AddressBook;
  readonly options: RehearsalDevicesOptions;
}

/** One device: its sandbox, its SSH server and the faults that are on. */
export class RunningDevice implements RehearsalDevice {
  readonly name: string;
  readonly host: string;
  readonly user: string;
  readonly root: string;
  readonly mode: SandboxMode;
  readonly hostKeyFingerprint: string;
  readonly #parts: Parts;
  readonly #front: SshFront;
  readonly #faults = new Set<RehearsalFault>();
  #stopping: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { name, user, root, sandbox, hostKey, addresses, options } = parts;
    this.name = name;
    this.host = options.host ?? '127.0.0.1';
    this.user = user;
    this.root = root;
    this.mode = sandbox.mode;
    this.hostKeyFingerprint = hostKey.fingerprint;
    this.#parts = parts;
    const has = (fault: RehearsalFault) => (): boolean => this.#faults.has(fault);
    this.#front = new SshFront({
      host: this.host,
      hostKey,
      preferredPort: addresses.lastPort(name),
      mayTake: (port) => addresses.take(name, port),
      otherHostKey: makeHostKey,
      signIn: signInWith({
        user,
        authorizedKey: options.authorizedKey,
        password: options.password,
        refusesEverybody: has('wrong-password'),
      }),
      execHost: {
        spawn: (command, env) => sandbox.spawn(command, env),
        banner: () => (this.#faults.has('noisy-rc') ? NOISE : ''),
      },
      slow: has('slow-link'),
      showsOtherKey: has('changed-host-key'),
      cutPending: has('link-cut'),
      onCut: () => this.#faults.delete('link-cut'),
    });
  }

  get environment(): Readonly<Record<string, string>> | undefined {
    return this.#parts.sandbox.environment;
  }

  get port(): number {
    return this.#front.port;
  }

  /** Opens the SSH port; with the fault `unreachable` on, only reserves its number. */
  async open(): Promise<void> {
    await this.#front.open();
    if (this.#faults.has('unreachable')) await this.#front.close();
  }

  faults(): readonly RehearsalFault[] {
    return [...this.#faults];
  }

  async setFault(fault: RehearsalFault, on: boolean): Promise<void> {
    await this.#parts.sandbox.setFault(fault, on);
    if (on) this.#faults.add(fault);
    else this.#faults.delete(fault);
    if (fault !== 'unreachable' || this.port === 0) return;
    if (on) await this.#front.close();
    else await this.#front.open();
  }

  async processes(): Promise<readonly RehearsalProcess[]> {
    return await this.#parts.sandbox.processes();
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce();
    await this.#stopping;
  }

  async #stopOnce(): Promise<void> {
    await this.#front.close();
    await this.#parts.sandbox.close();
    if (!this.#parts.keep) await rm(this.#parts.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
