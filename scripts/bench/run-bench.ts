// Runs one bench file, prints its table and writes bench-results/<name>.json. A missed goal is shown, no failure.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bench, resultRows, resultTable } from './metric.ts';

const file = process.argv[2];
if (!file) throw new Error('usage: run-bench.ts FILE');
const bench: Bench = await import(pathToFileURL(path.resolve(file)).href);
const metrics = await bench.run();
const folder = path.resolve(import.meta.dirname, '../../bench-results');
fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync(
  path.join(folder, `${bench.name}.json`),
  `${JSON.stringify(resultRows(metrics), null, 2)}\n`,
);
process.stdout.write(`\n${resultTable(bench.name, metrics)}\n`);
