import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A directory that stands for a device's root, with a directory of stand-in programs before the real ones. */
export class TemporaryRoot {
  readonly #base = mkdtempSync(join(tmpdir(), 'muster-root-'));
  readonly path = join(this.#base, 'root');
  readonly #programs = join(this.#base, 'programs');

  constructor() {
    for (const directory of ['etc/systemd/system', 'usr/local/bin', 'var/lib/systemd/linger', 'run'])
      mkdirSync(join(this.path, directory), { recursive: true });
    mkdirSync(this.#programs);
    // The real one flushes the disks of the computer the tests run on, and takes its time.
    this.standIn('sync', ':');
  }

  /** Environment in which the station's scripts take this directory for the device. */
  get env(): Record<string, string> {
    return { MUSTER_DEVICE_ROOT: this.path, PATH: `${this.#programs}:${process.env.PATH ?? ''}` };
  }

  /** A program by this name that does this instead; every call is noted. */
  standIn(name: string, script: string): void {
    const file = join(this.#programs, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> '${this.#base}/calls'\n${script}\n`);
    chmodSync(file, 0o755);
  }

  calls(): string[] {
    const file = join(this.#base, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  /** Path inside the device, on this computer. */
  on(path: string): string {
    return join(this.path, path);
  }

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.on(path)), { recursive: true });
    writeFileSync(this.on(path), content);
    chmodSync(this.on(path), mode);
  }

  /** A symbolic link by this name. */
  link(path: string, target: string): void {
    mkdirSync(dirname(this.on(path)), { recursive: true });
    symlinkSync(target, this.on(path));
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}
