// @ts-check
// npm run build:cli: the command line as one file of JavaScript, out/cli/muster.cjs.
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'vite';
import { inProject } from './setup/paths.mjs';
import { runMain, say } from './setup/report.mjs';

/** Where the bundle is. CommonJS: an executable of its own takes no other main file. */
export const cliBundle = inProject('out', 'cli', 'muster.cjs');

/** The oldest Node that runs it. */
const target = 'node20.18';

/** Native modules: all of them are tried and done without. Whoever has them beside the file gets them. */
const native = ['@napi-rs/keyring', 'cpu-features', /\.node$/];

/**
 * Bundles the command line and all of its pure JavaScript. The file is put in its place whole: whoever runs it meanwhile
 * gets the one before or this one.
 */
export async function buildCli() {
  /** @type {{ version: string }} */
  const { version } = JSON.parse(fs.readFileSync(inProject('package.json'), 'utf8'));
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    root: inProject(),
    define: { MUSTER_VERSION: JSON.stringify(version) },
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: inProject('shared', 'cli', 'index.ts'),
      target,
      write: false,
      minify: false,
      rolldownOptions: {
        external: native,
        output: {
          format: 'cjs',
          entryFileNames: 'muster.cjs',
          codeSplitting: false,
          banner: '#!/usr/bin/env node',
        },
      },
    },
  });
  const chunks = [result].flat().flatMap((one) => ('output' in one ? one.output : []));
  const [chunk, ...others] = chunks.filter((one) => one.type === 'chunk');
  if (chunk === undefined || others.length > 0) throw new Error('The command line must be one file.');
  fs.mkdirSync(path.dirname(cliBundle), { recursive: true });
  const passing = `${cliBundle}.${process.pid}.new`;
  fs.writeFileSync(passing, chunk.code);
  fs.chmodSync(passing, 0o755);
  fs.renameSync(passing, cliBundle);
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    await buildCli();
    say('cli', `out/cli/muster.cjs, ${(fs.statSync(cliBundle).size / 1e6).toFixed(1)} MB`);
  });
}
