import { chmod, cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SandboxMode } from './model.ts';
import type { StandIns } from './sandbox.ts';

/**
 * Copies the stand-in scripts into `<dir>/.stand-ins`, laid out like /usr and executable, so that it does not
 * matter where the sources are (a checkout, a bundle) or what mode they have.
 * @param folded whether users and owners are only written down (no real user ids to give).
 */
export async function layOutStandIns(
  dir: string,
  mode: SandboxMode,
  folded: boolean,
  sourceDir = join(dirname(fileURLToPath(import.meta.url)), 'stand-ins'),
): Promise<StandIns> {
  const tree = join(dir, '.stand-ins', mode);
  const holders = join(tree, 'holder');
  await mkdir(join(tree, 'lib'), { recursive: true });
  await cp(join(sourceDir, 'bin'), join(tree, 'bin'), { recursive: true });
  await cp(join(sourceDir, 'sbin'), join(tree, 'sbin'), { recursive: true });
  await cp(join(sourceDir, 'lib'), join(tree, 'lib/rehearsal'), { recursive: true });
  if (folded) await cp(join(sourceDir, 'folded'), join(tree, 'bin'), { recursive: true });
  if (mode === 'prefix') await cp(join(sourceDir, 'prefix'), join(tree, 'bin'), { recursive: true });
  await cp(join(sourceDir, 'holder'), holders, { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib/rehearsal', 'holder']) {
    const at = join(tree, folder);
    // `node` is a link that leads somewhere only inside a sandbox.
    const scripts = (await readdir(at)).filter((file) => file !== 'node');
    await Promise.all(scripts.map((file) => chmod(join(at, file), 0o755)));
    await chmod(at, 0o755);
  }
  // A namespace device finds node where the sandbox binds it, wherever it is on this computer.
  if (mode === 'namespace') await relink('/opt/rehearsal/node/node', join(tree, 'bin/node'));
  await Promise.all([tree, join(tree, 'lib')].map((folder) => chmod(folder, 0o755)));
  return { tree, holders };
}

async function relink(target: string, at: string): Promise<void> {
  await rm(at, { force: true });
  await symlink(target, at);
}
