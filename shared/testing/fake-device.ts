import { createHash } from 'node:crypto';
import type { DeviceCommand } from '../device/device-command.ts';
import { EXIT_DATA_DIFFERS, EXIT_OBSTRUCTED, EXIT_OTHER_ID } from '../device/exit-status.ts';
import { EXIT_DEVICE_BUSY, EXIT_EPOCH_CHANGED } from '../device/fence.ts';
import {
  binaryPath,
  bornKeyPath,
  configDirectory,
  configPath,
  keyPath,
  requiredPackages,
  unitName,
  unitPath,
} from '../device/paths.ts';
import type {
  AgentBinary,
  Clock,
  CommandResult,
  DeviceSession,
  RunOptions,
  UploadOptions,
} from '../engine/ports.ts';
import { EnrollmentError } from '../errors/enrollment-error.ts';
import { FakeAgent } from './fake-agent.ts';
import { AGENT_GID, AGENT_UID, fakeLook } from './fake-look.ts';
import { FakeOpenssl, type FakeOpensslOptions } from './fake-openssl.ts';
import {
  expectedHash,
  nonceOf,
  readFence,
  readTrip,
  type ScriptFragment,
  unquote,
  writtenContent,
} from './read-script.ts';

const keyRights = `640:${AGENT_UID}:${AGENT_GID}`;

interface DeviceFile {
  content: string;
  rights: string;
}

/**
 * `lost`: the connection breaks. `hangs`: nothing comes back until the caller gives up. `reboots`: the device starts
 * anew and is away for a while.
 */
export interface Fault {
  readonly exchange: number;
  /** Before or after the effect of the exchange, or after this many fragments of a trip. */
  readonly when: 'before' | 'after' | number;
  readonly kind: 'lost' | 'hangs' | 'reboots';
}

export interface FakeDeviceOptions extends FakeOpensslOptions {
  readonly deviceId: string;
  readonly clock: Clock;
  /** Called for every heartbeat of the agent, with the key it signs in with. */
  readonly beat?: (deviceId: string, keyId: string) => void;
  /** Whether a key logs in: an agent whose key does not sends nothing. */
  readonly isLive?: (keyId: string) => boolean;
}

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * A device that behaves: it keeps packages, user, files and unit, does what the station's commands mean and
 * runs an agent that sends heartbeats. Exchanges can be cut off before, in and after their effect.
 */
export class FakeDevice {
  /** What its agent reports as; the one of the config on a real device. */
  deviceId: string;
  /** Undefined: named after its id. */
  hostname: string | undefined;
  readonly files = new Map<string, DeviceFile>();
  readonly missing = new Set<string>(requiredPackages);
  readonly user = { exists: false, lingering: false, socket: false, subordinateIds: false };
  readonly unit = { enabled: false, active: false };
  readonly faults: Fault[] = [];
  /** Fragments whose log text begins with one of these fail with status 1. */
  readonly failing = new Map<string, string>();
  /** Titles and log texts of everything that was done, in order. */
  readonly done: string[] = [];
  elevation: 'root' | 'sudo' | 'sudo-password' | 'none' = 'sudo';
  sudoPassword = 'canary-sudo-password';
  hostKey = 'SHA256:first';
  machine = 'aarch64';
  /** It has openssl, and makes its own keys. */
  canMakeKeys = false;
  /** Key files it made out of keys of its own. */
  births = 0;
  osVersion = '12';
  clockOffsetSeconds = 0;
  freeKib = 8_000_000;
  isReadOnly = false;
  firstBootRunning = false;
  needsRestart = false;
  /** Mode, user and group of the directory of key and config; empty where there is none. */
  configDirectoryRights = '';
  /** False: the agent runs, but reaches nobody. */
  reachesNats = true;
  journalLines: readonly string[] = ['nats: connection refused'];
  /** Raised with every key. */
  epoch = 0;
  /** The line of the lock file while somebody else's script runs. */
  heldBy: string | undefined;
  /** Empty: it has none. */
  serial = '';
  machineId = '0123456789abcdef0123456789abcdef';
  boots = 1;
  /** True while the device shuts down: it still answers, and its scripts fail. */
  isGoingDown = false;
  /** Until this instant of the clock (monotonic) nothing answers. */
  awayUntil = 0;
  /** How long a reboot keeps it away. */
  rebootMs = 40_000;
  exchanges = 0;
  uploads = 0;
  restarts = 0;
  openSessions = 0;
  readonly openssl: FakeOpenssl;
  readonly #options: FakeDeviceOptions;
  readonly #agent: FakeAgent;

  constructor(options: FakeDeviceOptions) {
    this.#options = options;
    this.deviceId = options.deviceId;
    this.openssl = new FakeOpenssl(options);
    const { clock, beat, isLive } = options;
    this.#agent = new FakeAgent(clock, (keyId) => {
      if (this.reachesNats && isLive?.(keyId) !== false) beat?.(this.deviceId, keyId);
    });
  }

  get keyId(): string | undefined {
    const text = this.files.get(keyPath)?.content;
    return text === undefined ? undefined : (JSON.parse(text) as { keyId: string }).keyId;
  }

  /** State to compare after two runs; holds no time and no count. */
  get snapshot(): unknown {
    const files = [...this.files].sort(([a], [b]) => (a < b ? -1 : 1));
    const { user, unit, needsRestart, configDirectoryRights, epoch } = this;
    return structuredClone({
      missing: [...this.missing],
      user,
      unit,
      needsRestart,
      configDirectoryRights,
      epoch,
      files,
    });
  }

  open(loginUser: string): DeviceSession {
    let isOpen = true;
    this.openSessions += 1;
    const exchange = async (
      options: { readonly signal: AbortSignal },
      act: (cutAfter: number | undefined) => CommandResult | Promise<CommandResult>,
    ): Promise<CommandResult> => {
      if (options.signal.aborted) throw options.signal.reason;
      if (!isOpen) throw lost();
      this.exchanges += 1;
      const fault = this.faults.find((candidate) => candidate.exchange === this.exchanges);
      if (fault === undefined) return act(undefined);
      if (fault.when !== 'before') await act(fault.when === 'after' ? undefined : fault.when);
      if (fault.kind === 'hangs') return untilAborted(options.signal);
      if (fault.kind === 'reboots') this.reboot();
      lose();
      throw lost();
    };
    const lose = (): void => {
      if (isOpen) this.openSessions -= 1;
      isOpen = false;
    };
    return {
      hostKeyFingerprint: this.hostKey,
      loginUser,
      run: (command, options) => exchange(options, (cutAfter) => this.#run(command, options, cutAfter)),
      upload: (command, file, options) => exchange(options, () => this.#upload(command, file, options)),
      close: lose,
    };
  }

  /** Starts anew: away for a while, then with another boot id, and whatever ran or was locked is gone. */
  reboot(): void {
    this.boots += 1;
    this.heldBy = undefined;
    this.isGoingDown = false;
    this.#forgetBornKeys();
    this.awayUntil = this.#options.clock.monotonicMs() + this.rebootMs;
    this.#agent.stop();
    if (this.unit.active) this.#agent.after(this.rebootMs, () => this.#startAgent());
  }

  /** Whether anything answers at its address. */
  get answers(): boolean {
    return this.#options.clock.monotonicMs() >= this.awayUntil;
  }

  /** What the fence of a script makes of it: the exit status of one that does nothing, or undefined. */
  #refusal(command: DeviceCommand): CommandResult | undefined {
    const fence = readFence(command.script);
    if (fence === undefined) throw new Error(`A script without a fence: ${command.title}`);
    if (this.heldBy !== undefined)
      return { exitStatus: EXIT_DEVICE_BUSY, stdout: `held by ${this.heldBy}\n`, stderr: '' };
    if (fence.epoch !== this.epoch)
      return { exitStatus: EXIT_EPOCH_CHANGED, stdout: `epoch ${this.epoch}\n`, stderr: '' };
    return undefined;
  }

  async #run(
    command: DeviceCommand,
    options: RunOptions,
    cutAfter: number | undefined,
  ): Promise<CommandResult> {
    this.#requireElevation(command, options);
    if (command.title === 'Look at the device') return fakeLook(this, this.#options.clock.nowMs(), command);
    if (command.title.startsWith('journalctl'))
      return { exitStatus: 0, stdout: `${this.journalLines.join('\n')}\n`, stderr: '' };
    if (command.title === 'wait for cloud-init') {
      this.done.push(command.title);
      this.firstBootRunning = false;
      return { exitStatus: 0, stdout: '', stderr: '' };
    }
    const clock = /^date -u -s @(\d+)$/.exec(command.title)?.[1];
    if (clock !== undefined) {
      this.done.push(command.title);
      this.clockOffsetSeconds = Number(clock) - Math.floor(this.#options.clock.nowMs() / 1000);
      return { exitStatus: 0, stdout: `${clock}\n`, stderr: '' };
    }
    if (command.title === 'systemctl is-system-running')
      return { exitStatus: 0, stdout: this.isGoingDown ? 'stopping\n' : 'running\n', stderr: '' };
    const refusal = this.#refusal(command);
    if (refusal !== undefined) return refusal;
    const nonce = nonceOf(command.script);
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      options.onLine?.('stdout', line);
    };
    let count = 0;
    let step = '';
    for (const fragment of readTrip(command.script)) {
      if (count === cutAfter) break;
      count += 1;
      if (fragment.step !== step) say(`@${nonce} step ${fragment.step}`);
      step = fragment.step;
      say(`@${nonce} run ${fragment.shows}`);
      const done = this.#perform(fragment, options.payload?.reveal(), say);
      const status = typeof done === 'number' ? done : await done;
      say('');
      say(`@${nonce} exit ${status}`);
      if (status !== 0) return { exitStatus: status, stdout: lines.join('\n'), stderr: '' };
      this.done.push(fragment.shows);
      if (fragment.endsStep) say(`@${nonce} finished ${step}`);
    }
    return { exitStatus: 0, stdout: lines.join('\n'), stderr: '' };
  }

  #requireElevation(command: DeviceCommand, { elevation }: RunOptions): void {
    if (!command.asRoot || this.elevation === 'root') return;
    const isRight =
      this.elevation === 'sudo'
        ? elevation.kind !== 'none'
        : elevation.kind === 'sudo-password' && elevation.password.reveal() === this.sudoPassword;
    if (!isRight) throw new EnrollmentError('DEVICE_SUDO_REFUSED', { details: { user: 'pi' } });
  }

  #perform(
    { shows, script }: ScriptFragment,
    payload: string | undefined,
    say: (line: string) => void,
  ): number | Promise<number> {
    for (const [prefix, says] of this.failing) {
      if (!shows.startsWith(prefix)) continue;
      say(says);
      return 1;
    }
    if (shows.startsWith('apt-get install')) this.missing.clear();
    else if (shows.startsWith('useradd')) this.user.exists = true;
    else if (shows.startsWith('usermod')) this.user.subordinateIds = true;
    else if (shows.startsWith('loginctl')) this.user.lingering = true;
    else if (shows.startsWith('systemctl --user') || shows.endsWith('podman.sock')) this.user.socket = true;
    else if (shows.startsWith('raise ')) this.epoch += 1;
    else if (shows.startsWith('openssl genrsa')) {
      const { privatePem, publicBase64 } = this.openssl.makePair();
      this.files.set(waitingPath(script), { content: privatePem, rights: '600:0:0' });
      say(`public-key ${publicBase64}`);
    } else if (shows.startsWith('openssl dgst')) return this.#sign(script, say);
    else if (shows.startsWith(`put ${bornKeyPath('*')}`)) {
      const key = this.files.get(waitingPath(script))?.content;
      if (key === undefined) return EXIT_OBSTRUCTED;
      const expected = /base64 -A\)" = ('[^']*') \]/.exec(script)?.[1] ?? '';
      if (this.openssl.publicHalf(key) !== unquote(expected)) return EXIT_EPOCH_CHANGED;
      const [, keyId, userId] = /"keyId":"(\w+)"[\s\S]*"userId":"(\w+)"/.exec(script) ?? [];
      this.#write(keyPath, JSON.stringify({ type: 'serviceaccount', keyId, key, userId }), keyRights);
      this.#forgetBornKeys();
      this.births += 1;
    } else if (shows.startsWith(`cat > ${keyPath}`)) {
      if (payload === undefined || sha256(payload) !== expectedHash(script)) return EXIT_DATA_DIFFERS;
      this.#write(keyPath, payload, keyRights);
      this.#forgetBornKeys();
    } else if (shows === `write ${configPath}`) this.#write(configPath, writtenContent(script), '644:0:0');
    else if (shows.startsWith(`write ${unitPath}`)) this.#write(unitPath, writtenContent(script), '644:0:0');
    else if (shows.startsWith('chown')) this.#write(keyPath, this.#content(keyPath), keyRights);
    else if (shows === `systemctl enable ${unitName}`) this.unit.enabled = true;
    else if (shows === 'systemctl daemon-reload') return 0;
    else if (shows === `systemctl restart ${unitName}` || shows === `systemctl start ${unitName}`)
      this.#startAgent();
    else if (shows.endsWith(configDirectory)) this.configDirectoryRights = `750:0:${AGENT_GID}`;
    else if (shows.startsWith('the device is ')) return this.#requireOwnId(shows.slice(14), say);
    else if (shows === `systemctl disable --now ${unitName}`) this.#removeAgent();
    else if (shows.startsWith(`rm ${keyPath}`)) {
      this.files.clear();
      this.configDirectoryRights = '';
      this.epoch = 0;
    } else if (shows.startsWith('userdel')) this.user.exists = false;
    else if (shows !== 'systemctl daemon-reload') throw new Error(`The fake device does not know: ${shows}`);
    return 0;
  }

  #requireOwnId(expected: string, say: (line: string) => void): number {
    const actual = /^device_id = "(.*)"$/m.exec(this.#content(configPath))?.[1];
    if (actual === undefined || actual === expected) return 0;
    say(`enrolled as: ${actual}`);
    return EXIT_OTHER_ID;
  }

  #removeAgent(): void {
    this.#agent.stop();
    this.unit.active = false;
    this.unit.enabled = false;
  }

  #sign(script: string, say: (line: string) => void): number | Promise<number> {
    const path = script.includes(`k="$R${keyPath}"`) ? keyPath : waitingPath(script);
    const text = this.files.get(path)?.content;
    const key = path === keyPath && text !== undefined ? (JSON.parse(text) as { key: string }).key : text;
    const told = (signature: string): number => {
      say(`signature ${signature}`);
      return 0;
    };
    const signature = this.openssl.signature(script, key);
    return typeof signature === 'string' ? told(signature) : signature.then(told);
  }

  /** Pairs that wait for a key id. */
  get waitingPairs(): readonly string[] {
    return [...this.files.keys()].filter((path) => path.startsWith('/run/'));
  }

  #forgetBornKeys(): void {
    for (const path of this.waitingPairs) this.files.delete(path);
  }

  #content(path: string): string {
    return this.files.get(path)?.content ?? '';
  }

  #write(path: string, content: string, rights: string): void {
    if (this.#content(path) !== content) this.needsRestart = true;
    this.files.set(path, { content, rights });
  }

  async #upload(
    command: DeviceCommand,
    file: AgentBinary,
    { onProgress }: UploadOptions,
  ): Promise<CommandResult> {
    const refusal = this.#refusal(command);
    if (refusal !== undefined) return refusal;
    let content = '';
    for await (const chunk of file.chunks()) {
      content += Buffer.from(chunk).toString('latin1');
      onProgress?.(content.length);
    }
    if (sha256(content) !== expectedHash(command.script))
      return { exitStatus: EXIT_DATA_DIFFERS, stdout: '', stderr: 'not the file that was sent' };
    this.uploads += 1;
    this.#write(binaryPath, content, '755:0:0');
    this.done.push(command.title);
    return { exitStatus: 0, stdout: '', stderr: '' };
  }

  #startAgent(): void {
    this.unit.active = true;
    this.needsRestart = false;
    this.restarts += 1;
    this.#agent.start(this.keyId);
  }
}

/** Where a script has the pair that waits. */
function waitingPath(script: string): string {
  return /^b="\$R"'([^']+)'$/m.exec(script)?.[1] ?? '';
}

function lost(): EnrollmentError {
  return new EnrollmentError('DEVICE_CONNECTION_LOST', { details: { address: 'board.local' } });
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
