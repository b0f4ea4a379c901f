import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LabIdentityProvider } from '../lab/identity/identity-provider.ts';
import { startTestLab } from '../lab/identity/lab-testkit.ts';
import { endsItself } from './killed-run.ts';
import { bundledCli, type CliOptions } from './run-cli.ts';
import { filesIn, runSetUp, type SetUpWish } from './set-up-run.ts';

/** A set-up that was cut off, and the one that comes after it. */
describe('muster setup zitadel, run again,', () => {
  let lab: LabIdentityProvider;
  let dir: string;

  beforeAll(async () => {
    await bundledCli();
  });
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'muster-setup-'));
  });
  afterEach(async () => {
    await lab.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const setup = (wish?: SetUpWish, options?: CliOptions) => runSetUp(lab, out('.'), wish, options);
  const out = (name: string) => path.join(dir, 'out', name);
  const mutations = () => structuredClone(lab.inspect().mutations);
  const keyFile = () => out('keys/nats-callout.json');

  test.each([1, 3, 5, 7, 9, 11])('killed after %i changes, it goes on where it was', async (after) => {
    lab = await startTestLab({ bare: true });
    const users = ['nats-callout', 'dashboard'];
    const killed = await setup({ users }, { env: endsItself.afterTelling('"created"', after) });
    expect(killed.status, killed.stdout + killed.stderr).toBe(null);
    expect(killed.stdout.match(/"created"/g)).toHaveLength(after);
    const run = await setup({ users });
    expect(run.status, killed.stdout + run.stderr + run.stdout).toBe(0);
    const { keys, grants, projects, apps, ...seen } = lab.inspect();
    expect(projects.filter(({ name }) => name === 'warehouse')).toHaveLength(1);
    expect(apps).toHaveLength(2);
    for (const name of users) {
      const own = seen.users.filter(({ userName, live }) => userName === name && live);
      expect(own).toHaveLength(1);
      expect(grants.filter(({ userId }) => userId === own[0]?.id)).toHaveLength(1);
      const live = keys.filter((key) => key.userId === own[0]?.id && key.live);
      const kept = JSON.parse(readFileSync(out(`keys/${name}.json`), 'utf8')) as { keyId: string };
      expect(live.map(({ id }) => id)).toEqual([kept.keyId]);
    }
    expect(readdirSync(out('keys')).sort()).toEqual(['dashboard.json', 'nats-callout.json']);
  });

  test('what the folder names is looked for again while searches lag', async () => {
    lab = await startTestLab({ bare: true, searchLagMs: 2_500 });
    expect((await setup()).status).toBe(0);
    const before = { mutations: mutations(), files: filesIn(out('.')) };
    const again = await setup();
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect({ mutations: mutations(), files: filesIn(out('.')) }).toEqual(before);
  });

  test.each([
    ['shown', 0],
    ['not shown yet', 4_000],
  ])(
    'a key whose file never came to be, and which is %s, is deleted by the next run',
    async (_how, keysLagMs) => {
      lab = await startTestLab({ bare: true });
      expect((await setup({ users: [] })).status).toBe(0);
      lab.control.setSearchLag({ keys: keysLagMs });
      expect((await setup()).status).toBe(0);
      const first = JSON.parse(readFileSync(keyFile(), 'utf8')) as { keyId: string; userId: string };
      const { expiresAt } = lab.inspect().keys.find(({ id }) => id === first.keyId) ?? { expiresAt: 0 };
      // As it was between the provider's answer and the file.
      await unlink(keyFile());
      await writeFile(
        out('keys/nats-callout.unfinished'),
        JSON.stringify({ userId: first.userId, expiresAt }),
      );
      const run = await setup();
      expect(run.status, run.stderr + run.stdout).toBe(0);
      const kept = JSON.parse(readFileSync(keyFile(), 'utf8')) as { keyId: string };
      expect(kept.keyId).not.toBe(first.keyId);
      const live = lab.inspect().keys.filter((key) => key.userId === first.userId && key.live);
      expect(live.map(({ id }) => id)).toEqual([kept.keyId]);
    },
  );
});
