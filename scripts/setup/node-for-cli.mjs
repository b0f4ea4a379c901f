// @ts-check
// The Node that goes into the command line's executables: pinned, one for each architecture, from the npm registry,
// fetched when they are packed and no part of the project's own dependencies.
import fs from 'node:fs';
import path from 'node:path';
import { checkPinned } from './download.mjs';
import { installAtomically } from './install-atomically.mjs';
import { cacheFolder } from './paths.mjs';
import { capture } from './processes.mjs';
import { SetupProblem, say } from './report.mjs';

/** A long-term release that the registry has for both. */
export const nodeVersion = '24.21.0';

/** @type {Readonly<Record<'x64' | 'arm64', string>>} SHA-512 of the packages. */
const tarballSha512 = {
  x64: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64: 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
};

/**
 * Path of the pinned Node for Linux, fetched on first use.
 * @param {'x64' | 'arm64'} arch
 * @throws {SetupProblem} when the registry does not have it, or another file than the pinned one
 */
export async function nodeForCli(arch) {
  const folder = cacheFolder('node', `${nodeVersion}-linux-${arch}`);
  const program = path.join(folder, 'node');
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  return await installAtomically(
    folder,
    () => (fs.existsSync(program) ? program : undefined),
    async (temporary) => {
      say('node', `fetching Node ${nodeVersion} for linux-${arch} from the npm registry (about 50 MB, once)`);
      const name = `node-linux-${arch}@${nodeVersion}`;
      await must('npm', ['pack', name, '--silent', '--pack-destination', temporary], temporary);
      const tarball = fs.readdirSync(temporary).find((file) => file.endsWith('.tgz'));
      if (!tarball) throw new SetupProblem(`npm gave no archive for ${name}.`);
      const expected = tarballSha512[arch];
      await checkPinned(path.join(temporary, tarball), { algorithm: 'sha512', encoding: 'base64', expected });
      await must('tar', ['-xzf', tarball, 'package/bin/node'], temporary);
      fs.renameSync(path.join(temporary, 'package', 'bin', 'node'), path.join(temporary, 'node'));
      fs.rmSync(path.join(temporary, 'package'), { recursive: true });
      fs.rmSync(path.join(temporary, tarball));
      fs.chmodSync(path.join(temporary, 'node'), 0o755);
    },
  );
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
async function must(program, args, cwd) {
  const { code, stderr } = await capture(program, args, { cwd, limitMs: 10 * 60_000 });
  if (code === 0) return;
  const reason = stderr.trim().split('\n').slice(-4).join('\n');
  throw new SetupProblem(`The Node for the executables could not be fetched: ${program} failed (${reason}).`);
}
