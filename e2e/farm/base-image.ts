import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { installAtomically } from '../../scripts/setup/install-atomically.mjs';
import { cacheFolder } from '../../scripts/setup/paths.mjs';
import { say } from '../../scripts/setup/report.mjs';
import { ownDebianMirror } from './apt-mirror.ts';
import {
  type ConditionPackage,
  conditionPackages,
  containerPackages,
  debianVersions,
  installed,
  masked,
  prepareBase,
  recipe,
  repository,
  type Suite,
  suites,
} from './base-recipe.ts';
import { must } from './commands.ts';
import { writeFlatRepository } from './flat-repository.ts';

/** What a device has of the packages an enrollment installs: only the repository on its disk, or all of them already. */
export const packageStates = ['offered', 'installed'] as const;
export type PackageState = (typeof packageStates)[number];

const aptEnvironment = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };

/**
 * The read-only folders of which a device is made, uppermost first, as the overlay's `lowerdir` wants them. What is
 * not built yet is built: a base in one to two minutes with the network's help, a layer in seconds without.
 * @param more packages of this device's conditions
 * @throws {Error} with debootstrap's or apt's own words
 */
export async function deviceLayers(
  suite: Suite,
  state: PackageState,
  more: readonly ConditionPackage[] = [],
): Promise<readonly string[]> {
  let layers: readonly string[] = [await baseRoot(suite)];
  for (const packages of [state === 'installed' ? containerPackages : [], [...more].sort()]) {
    if (packages.length > 0) layers = [await packageLayer(suite, packages, layers), ...layers];
  }
  return layers;
}

/** Builds what most devices need, both suites side by side: inside the farm's network there is no mirror. */
export async function buildBases(): Promise<void> {
  await Promise.all(suites.map((suite) => deviceLayers(suite, 'installed')));
}

function cached(suite: Suite, part: string, ...more: readonly unknown[]): string {
  const inputs = [recipe, suite, installed, containerPackages, conditionPackages, masked, process.arch, more];
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  return cacheFolder('farm', `${suite}-${key}-${part}`);
}

async function baseRoot(suite: Suite): Promise<string> {
  const folder = cached(suite, 'base');
  const root = path.join(folder, 'root');
  return await installAtomically(
    folder,
    () => (fs.existsSync(root) ? root : undefined),
    async (temporary) => {
      const title = `Debian ${debianVersions[suite]}`;
      say('farm', `building the base of the real devices, ${title} (one to two minutes, once)`);
      const unfinished = path.join(temporary, 'unfinished');
      await bootstrap(suite, unfinished);
      await offerPackages(unfinished);
      await prepareBase(unfinished);
      fs.renameSync(unfinished, path.join(temporary, 'root'));
      say('farm', `${title} is built`);
    },
  );
}

async function bootstrap(suite: Suite, root: string): Promise<void> {
  const mirror = ownDebianMirror();
  const downloads = cacheFolder('farm', 'downloads', suite);
  fs.mkdirSync(downloads, { recursive: true });
  const options = ['--variant=minbase', `--cache-dir=${downloads}`, `--include=${installed.join(',')}`];
  const args = [...options, suite, root, ...(mirror ? [mirror] : [])];
  await privately('debootstrap', args, { limitMs: 30 * 60_000, env: aptEnvironment });
}

/** Downloads what a device lacks of the offered packages, and makes that the only source its apt knows. */
async function offerPackages(root: string): Promise<void> {
  const inside = path.join(root, repository);
  fs.mkdirSync(path.join(inside, 'partial'), { recursive: true });
  const download = ['-y', '-qq', '--download-only', '--no-install-recommends'];
  const into = ['-o', `Dir::Cache::archives=${repository}`];
  const options = { limitMs: 20 * 60_000, env: aptEnvironment };
  const offered = [...containerPackages, ...conditionPackages];
  await must('chroot', [root, 'apt-get', 'update', '-qq'], options);
  await must('chroot', [root, 'apt-get', ...download, ...into, 'install', ...offered], options);
  fs.rmSync(path.join(inside, 'partial'), { recursive: true, force: true });
  fs.rmSync(path.join(inside, 'lock'), { force: true });
  await writeFlatRepository(inside);
  fs.rmSync(path.join(root, 'etc/apt/sources.list.d/debian.sources'), { force: true });
  fs.writeFileSync(path.join(root, 'etc/apt/sources.list'), `deb [trusted=yes] file:${repository} ./\n`);
  await must('chroot', [root, 'apt-get', 'clean'], options);
  await must('chroot', [root, 'apt-get', 'update', '-qq'], options);
}

/** Installs packages on top of layers and keeps the difference. */
async function packageLayer(
  suite: Suite,
  packages: readonly string[],
  below: readonly string[],
): Promise<string> {
  const folder = cached(suite, packages[0] ?? 'layer', packages, below);
  const layer = path.join(folder, 'layer');
  return await installAtomically(
    folder,
    () => (fs.existsSync(layer) ? layer : undefined),
    async (temporary) => {
      // In memory first: not every file system that can hold a layer can also be written through an overlay.
      const script = `set -eu
mount -t tmpfs -o mode=755 muster-farm "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work,volatile" muster-farm "$1/root"
chroot "$1/root" apt-get -y -qq --no-install-recommends install ${packages.join(' ')}
rm -rf "$1/root/var/log/apt" "$1/root/var/cache/apt"/*.bin
umount "$1/root"
cp -a "$1/upper" "$3/unfinished"`;
      const scratch = path.join(temporary, 'scratch');
      fs.mkdirSync(scratch);
      const args = ['-c', script, 'sh', scratch, below.join(':'), temporary];
      await privately('sh', args, { limitMs: 20 * 60_000, env: aptEnvironment });
      fs.rmdirSync(scratch);
      fs.renameSync(path.join(temporary, 'unfinished'), path.join(temporary, 'layer'));
    },
  );
}

/** Runs a program whose mounts nobody else sees, and which ends, mounts and all, with this process. */
async function privately(
  program: string,
  args: readonly string[],
  options: { limitMs: number; env: NodeJS.ProcessEnv },
): Promise<void> {
  const spaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  await must('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...spaces, program, ...args], options);
}
