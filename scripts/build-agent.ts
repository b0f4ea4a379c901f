import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Rollup } from 'vite';
import { agentArchitectures, wrapInElf } from '../resources/reference-agent/elf-envelope.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Where `npm start` and the tests look for the agent. */
export const defaultAgentFolder = join(root, 'out', 'agent');

/** The reference agent as one CommonJS script for Node 18 and newer, everything it needs inside. */
export async function bundleAgent(): Promise<string> {
  const result = await build({
    root,
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: join(root, 'resources', 'reference-agent', 'main.ts'),
      target: 'node18',
      write: false,
      minify: true,
      rolldownOptions: { output: { format: 'cjs', codeSplitting: false } },
    },
  });
  const outputs = [result]
    .flat()
    .flatMap((one) => ('output' in one ? (one.output as Rollup.RollupOutput['output']) : []));
  const [chunk, ...others] = outputs.filter((one) => one.type === 'chunk');
  if (chunk === undefined || others.length > 0)
    throw new Error('The agent must be bundled into exactly one file.');
  return chunk.code;
}

/** Writes under a passing name first, so that nobody ever runs half a file. */
function writeExecutable(path: string, content: Uint8Array): void {
  const passing = `${path}.${process.pid}.new`;
  writeFileSync(passing, content, { mode: 0o755 });
  renameSync(passing, path);
}

/** Builds `fleet-agent-<architecture>` for every architecture into `folder`; gives the paths. Equal source, equal bytes. */
export async function buildAgent(folder: string = defaultAgentFolder): Promise<readonly string[]> {
  const payload = new TextEncoder().encode(await bundleAgent());
  mkdirSync(folder, { recursive: true });
  return agentArchitectures.map((architecture) => {
    const path = join(folder, `fleet-agent-${architecture}`);
    writeExecutable(path, wrapInElf(architecture, payload));
    return path;
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  await buildAgent();
}
