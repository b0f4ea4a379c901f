import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';
import { afterAll, beforeAll, expect, test } from 'vitest';

const { forbidden, options } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');

/** A small tree in which every rule is broken once: file -> what it imports. */
const wrongs: Record<string, readonly string[]> = {
  'shared/model/a.ts': ['./b.ts', '../errors/code.ts', '../../electron/main/window.ts'],
  'shared/model/b.ts': ['./a.ts', './missing.ts'],
  'shared/errors/code.ts': ['../device/commands.ts'],
  'shared/contract/ipc.ts': ['../engine/run.ts'],
  'shared/device/commands.ts': ['../steps/one.ts', 'node:fs'],
  'shared/steps/one.ts': ['./two.ts', '../engine/run.ts'],
  'shared/steps/two.ts': ['ssh2'],
  'shared/plan/plan.ts': ['../engine/run.ts'],
  'shared/engine/run.ts': ['../adapters/ssh.ts'],
  'shared/setup/set-up.ts': ['../adapters/ssh.ts'],
  'shared/adapters/ssh.ts': ['../testing/fake.ts'],
  'shared/testing/fake.ts': [],
  'electron/main/window.ts': ['../../shared/engine/run.ts', '../../e2e/lab/lab.ts'],
  'renderer/app/app.ts': ['../../shared/engine/run.ts'],
  'renderer/ui/button.ts': ['../app/app.ts'],
  'e2e/lab/lab.ts': [],
  'node_modules/ssh2/index.js': [],
};

let folder = '';
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-layers-'));
  for (const [file, imports] of Object.entries(wrongs)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    const lines = imports.map((from, index) => `import type * as i${index} from '${from}';\n`);
    fs.writeFileSync(path.join(folder, file), `${lines.join('')}export const here = '${file}';\n`);
  }
  fs.writeFileSync(path.join(folder, 'package.json'), '{"dependencies":{"ssh2":"*"}}');
  fs.writeFileSync(path.join(folder, 'node_modules/ssh2/package.json'), '{"name":"ssh2","main":"index.js"}');
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('every layer rule reports the import that breaks it', async () => {
  const { tsConfig: _unused, ...cruiseOptions } = options;
  const result = await cruise(['shared', 'electron', 'renderer', 'e2e'], {
    ...cruiseOptions,
    baseDir: folder,
    validate: true,
    ruleSet: { forbidden },
  });
  const { summary } = result.output as ICruiseResult;
  const broken = new Set(summary.violations.map((violation) => violation.rule.name));
  expect([...broken].sort()).toEqual(forbidden.map((rule: { name: string }) => rule.name).sort());
});
