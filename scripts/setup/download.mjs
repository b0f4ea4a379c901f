// @ts-check
import fs from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { streamDigest } from './digest.mjs';
import { SetupProblem } from './report.mjs';

/**
 * True when a web server answers at all within the limit, whatever its status.
 * @param {string} url
 * @param {number} [limitMs]
 */
export async function isReachable(url, limitMs = 5_000) {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
    return true;
  } catch {
    return false; // No name, no route, no answer: all the same to the caller, who has another source.
  }
}

/**
 * Downloads a file and keeps it only when its SHA-256 is the pinned one.
 * @param {string} url
 * @param {string} file
 * @param {{ sha256: string, limitMs: number }} options
 * @throws {SetupProblem} when the content differs; the network's own error when it cannot be fetched
 */
export async function downloadPinned(url, file, { sha256, limitMs }) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(limitMs) });
  if (!answer.ok || !answer.body) throw new Error(`${url} answered ${answer.status}`);
  await pipeline(
    Readable.fromWeb(/** @type {import('node:stream/web').ReadableStream} */ (answer.body)),
    fs.createWriteStream(file),
  );
  await checkPinned(file, { algorithm: 'sha256', encoding: 'hex', expected: sha256 });
}

/**
 * Removes a file whose digest is not the pinned one, and says so.
 * @param {string} file
 * @param {{ algorithm: string, encoding: 'hex' | 'base64', expected: string }} pin
 * @throws {SetupProblem}
 */
export async function checkPinned(file, { algorithm, encoding, expected }) {
  const actual = await streamDigest(file, { algorithm, encoding });
  if (actual === expected) return;
  fs.rmSync(file, { force: true });
  throw new SetupProblem(
    `A download is not the file that was pinned and was thrown away (${algorithm} ${actual}, expected ${expected}).`,
  );
}
