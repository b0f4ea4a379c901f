import fs from 'node:fs';
import path from 'node:path';

const prefix = 'muster-farm-';

/** The hierarchies systemd uses: one on a current system, two where the kernel still runs both kinds. */
function hierarchies(): readonly string[] {
  const places = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];
  return places.filter((place) => fs.existsSync(path.join(place, 'cgroup.procs')));
}

/**
 * Makes a control group for one device, apart from the machine's own and from other devices.
 * @param owner process id of the run it belongs to
 * @returns its folder in every hierarchy
 */
export function createCgroup(owner: string, device: string): readonly string[] {
  return hierarchies().map((place) => {
    const folder = path.join(place, `${prefix}${owner}-${device}`);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  });
}

/** Removes the control group of a device that has ended. */
export function removeCgroup(owner: string, device: string): void {
  for (const place of hierarchies()) {
    const folder = path.join(place, `${prefix}${owner}-${device}`);
    if (fs.existsSync(folder)) removeTree(folder);
  }
}

/**
 * Removes the (empty) control groups of a run, and those that killed runs have left.
 * @returns false when some of this run had to stay, because a killed process in them is not quite gone
 */
export function removeCgroups(owner: string): boolean {
  let all = true;
  for (const place of hierarchies()) {
    for (const name of fs.readdirSync(place)) {
      const from = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
      if (from && (from === owner || !fs.existsSync(`/proc/${from}`))) {
        const gone = removeTree(path.join(place, name));
        if (from === owner) all &&= gone;
      }
    }
  }
  return all;
}

function removeTree(folder: string): boolean {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name));
  }
  try {
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    // A killed process may not be quite gone; the next run removes what this one must leave.
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    return false;
  }
}
