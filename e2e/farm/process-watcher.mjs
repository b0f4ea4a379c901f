// @ts-check
// Reads command lines and environments of every process of a /proc over and over, as fast as it can or with a pause in
// between, until its standard input ends. Then prints one JSON object: how often it looked, and every different text it saw.
// Before that it prints each of the given words, one a line, as soon as a text has it.
// A program of its own, so that nobody's event loop slows it down.
import fs from 'node:fs';

const folder = process.argv[2] ?? '';
const pauseMs = Number(process.argv[3] ?? 0);
const awaited = new Set(process.argv.slice(4));
if (folder === '') throw new Error('usage: process-watcher.mjs PROC [PAUSE_MS [WORD…]]');

/** @type {Set<string>} */
const seen = new Set();
let samples = 0;
let wanted = true;
process.stdin.once('end', () => {
  wanted = false;
});
process.stdin.resume();
process.stdout.write('watching\n');

/** @param {string} file */
function read(file) {
  try {
    const text = fs.readFileSync(file, 'latin1');
    if (text === '' || seen.has(text)) return;
    seen.add(text);
    for (const word of awaited)
      if (text.includes(word) && awaited.delete(word)) process.stdout.write(`${word}\n`);
  } catch {
    // It has ended between the listing and this moment.
  }
}

function look() {
  for (const entry of fs.readdirSync(folder)) {
    const first = entry.charCodeAt(0);
    if (first < 48 || first > 57) continue;
    read(`${folder}/${entry}/cmdline`);
    read(`${folder}/${entry}/environ`);
  }
  samples += 1;
  if (wanted && pauseMs > 0) setTimeout(look, pauseMs);
  else if (wanted) setImmediate(look);
  else process.stdout.write(JSON.stringify({ samples, texts: [...seen] }));
}
look();
