import fs from 'node:fs';
import path from 'node:path';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const root = import.meta.dirname;

/** The oldest Electron that development runs on (33) sets the syntax; newer ones understand it too. */
const nodeTarget = 'node20.18';
const browserTarget = 'chrome130';

/** Bundles of the main world; out/main/<name>.js each. */
const mainEntries = {
  index: 'electron/main/index.ts',
  engine: 'electron/engine/index.ts',
  lab: 'e2e/lab/process.ts',
  headless: 'e2e/lab/headless.ts',
};

export default defineConfig({
  main: {
    build: {
      target: nodeTarget,
      // Pure JavaScript that every start loads is bundled: zod alone is a hundred files otherwise.
      // Not minified: the lab's provider tells its models apart by the names of their classes.
      externalizeDeps: { exclude: ['zod', 'smol-toml'] },
      // A library of the lab's provider uses eval; our own use is refused by the linter.
      rolldownOptions: { input: existing(mainEntries), checks: { eval: false } },
    },
  },
  preload: {
    build: {
      target: nodeTarget,
      // A sandboxed preload can load nothing but `electron`, and no ES module.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: path.join(root, 'electron/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: path.join(root, 'renderer'),
    plugins: [react(), tailwindcss()],
    build: {
      target: browserTarget,
      minify: true,
      // One chunk on purpose: it is read from the disk beside it, and every screen is needed within seconds.
      chunkSizeWarningLimit: 1000,
      outDir: path.join(root, 'out/renderer'),
      rolldownOptions: { input: path.join(root, 'renderer/index.html') },
    },
  },
});

/** Entries whose file is in this checkout: the packaged sources carry no lab. */
function existing(entries: Readonly<Record<string, string>>): Record<string, string> {
  const files = Object.entries(entries).map(([name, file]) => [name, path.join(root, file)] as const);
  return Object.fromEntries(files.filter(([, file]) => fs.existsSync(file)));
}
