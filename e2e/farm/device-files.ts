import fs from 'node:fs';
import path from 'node:path';
import { must } from './commands.ts';

/** The file system of a device that is not running yet, for those who prepare it. Paths are as the device sees them. */
export interface DeviceFiles {
  write(file: string, text: string, options?: { mode?: number; owner?: string }): Promise<void>;
  read(file: string): string;
  remove(file: string): void;
  /** Runs a program inside, as root. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Adds a unit that runs at every boot. */
  enableUnit(name: string, text: string): Promise<void>;
}

/** Opens the file system below a folder. */
export function deviceFiles(root: string): DeviceFiles {
  const at = (file: string) => path.join(root, file);
  const run: DeviceFiles['run'] = (program, ...args) =>
    must('chroot', [root, program, ...args], { limitMs: 120_000 });
  const write: DeviceFiles['write'] = async (file, text, { mode = 0o644, owner } = {}) => {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.writeFileSync(at(file), text);
    fs.chmodSync(at(file), mode);
    if (owner) await run('chown', owner, file);
  };
  return {
    ...{ write, run },
    read: (file) => fs.readFileSync(at(file), 'utf8'),
    remove: (file) => fs.rmSync(at(file), { recursive: true, force: true }),
    enableUnit: async (name, text) => {
      await write(`/etc/systemd/system/${name}`, text);
      const wants = at('/etc/systemd/system/multi-user.target.wants');
      fs.mkdirSync(wants, { recursive: true });
      fs.symlinkSync(`/etc/systemd/system/${name}`, path.join(wants, name));
    },
  };
}
