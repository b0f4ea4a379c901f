import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RehearsalFault } from './faults.ts';

/** Tells the stand-ins about a fault: they look for a file of its name below /var/lib/rehearsal/faults. */
export async function setFaultMark(root: string, fault: RehearsalFault, on: boolean): Promise<void> {
  const mark = join(root, 'var/lib/rehearsal/faults', fault);
  if (on) await writeFile(mark, '');
  else await rm(mark, { force: true });
  if (fault !== 'apt-lists-missing') return;
  const lists = join(root, 'var/lib/apt/lists/lists-fetched');
  if (on) await rm(lists, { force: true });
  else await writeFile(lists, '');
}
