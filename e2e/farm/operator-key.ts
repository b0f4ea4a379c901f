import fs from 'node:fs';
import path from 'node:path';
import { must } from './commands.ts';
import { farmFolder } from './lan.ts';

/**
 * The one key that opens every device of this run, as an operator has one for the whole bench.
 * @returns path of the private key (OpenSSH, Ed25519); the public one is beside it, with `.pub`
 */
export async function operatorKey(): Promise<string> {
  const folder = path.join(farmFolder, 'operator');
  const file = path.join(folder, 'key');
  if (fs.existsSync(file)) return file;
  const draft = fs.mkdtempSync(`${folder}-`);
  const options = ['-q', '-t', 'ed25519', '-N', '', '-C', 'operator of the farm'];
  await must('ssh-keygen', [...options, '-f', path.join(draft, 'key')]);
  try {
    // Complete or not there: another device of this run may be looking for it right now.
    fs.renameSync(draft, folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    fs.rmSync(draft, { recursive: true });
  }
  return file;
}
