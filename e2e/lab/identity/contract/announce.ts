import type { TestProject } from 'vitest/node';
import { realZitadel } from './subject.ts';

let run: TestProject | undefined;

export function setup(project: TestProject): void {
  run = project;
}

/** The last line of a run that held the contract: whether a real Zitadel was among the subjects. */
export function teardown(): void {
  const held = run?.vitest.state.getFiles().some((file) => file.filepath.includes('/identity/contract/'));
  if (held !== true) return;
  const real = realZitadel();
  const text =
    real === undefined
      ? 'SKIPPED against a real Zitadel: MUSTER_ZITADEL_URL and MUSTER_ZITADEL_PAT are not set. Held against the lab alone.'
      : `held against the lab and against ${real.url}.`;
  process.stderr.write(`\nThe identity contract was ${text}\n`);
}
