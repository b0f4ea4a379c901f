// @ts-check
// Digests: of one file, and of a set of source folders to know whether a result is still fresh.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Hash of a file's content in hexadecimal.
 * @param {string} file
 * @param {string} [algorithm]
 */
export function fileDigest(file, algorithm = 'sha256') {
  return createHash(algorithm).update(fs.readFileSync(file)).digest('hex');
}

/**
 * Hash of a large file, read as a stream.
 * @param {string} file
 * @param {{ algorithm: string, encoding: import('node:crypto').BinaryToTextEncoding }} how
 */
export async function streamDigest(file, { algorithm, encoding }) {
  const hash = createHash(algorithm);
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk);
  return hash.digest(encoding);
}

/**
 * Hash over the names and contents of all files below some paths; a path that does not exist counts as absent.
 * @param {string} root
 * @param {readonly string[]} inputs files and folders below root
 * @param {(relative: string) => boolean} [counts] leaves files out
 */
export function treeDigest(root, inputs, counts = () => true) {
  const hash = createHash('sha256');
  for (const relative of inputs.flatMap((input) => filesBelow(root, input)).sort()) {
    if (!counts(relative)) continue;
    hash
      .update(relative)
      .update('\0')
      .update(fs.readFileSync(path.join(root, relative)))
      .update('\0');
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} relative
 * @returns {string[]}
 */
function filesBelow(root, relative) {
  const stat = fs.statSync(path.join(root, relative), { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isFile()) return [relative];
  if (!stat.isDirectory()) return [];
  return fs
    .readdirSync(path.join(root, relative))
    .filter((name) => name !== 'node_modules')
    .flatMap((name) => filesBelow(root, `${relative}/${name}`));
}
