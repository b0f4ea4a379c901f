import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fileDigest } from '../../scripts/setup/digest.mjs';
import { must } from './commands.ts';

/** Makes a folder of .deb files an apt repository (`deb [trusted=yes] file:<folder> ./`). */
export async function writeFlatRepository(folder: string): Promise<void> {
  const packages = await must('dpkg-scanpackages', ['--multiversion', '.'], {
    cwd: folder,
    limitMs: 120_000,
  });
  fs.writeFileSync(path.join(folder, 'Packages'), packages);
  fs.writeFileSync(path.join(folder, 'Packages.gz'), gzipSync(packages));
  const sums = ['Packages', 'Packages.gz'].map((name) => {
    const file = path.join(folder, name);
    return ` ${fileDigest(file)} ${fs.statSync(file).size} ${name}`;
  });
  const lines = [
    'Suite: stable',
    `Date: ${new Date().toUTCString().replace('GMT', 'UTC')}`,
    'SHA256:',
    ...sums,
  ];
  fs.writeFileSync(path.join(folder, 'Release'), `${lines.join('\n')}\n`);
}
