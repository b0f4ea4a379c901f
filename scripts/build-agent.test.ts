import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildAgent, bundleAgent } from './build-agent.ts';

const dir = mkdtempSync(join(tmpdir(), 'muster-build-agent-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('writes an executable per architecture, the same bytes every time', async () => {
  const first = await buildAgent(join(dir, 'first'));
  const second = await buildAgent(join(dir, 'second'));
  expect(first.map((path) => basename(path))).toEqual([
    'fleet-agent-x86_64',
    'fleet-agent-aarch64',
    'fleet-agent-armv7',
  ]);
  for (const [index, path] of first.entries()) {
    expect(readFileSync(path).equals(readFileSync(second[index] ?? ''))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o755);
  }
});

it('needs nothing but Node at run time, and holds no path of this computer', async () => {
  const script = await bundleAgent();
  const needed = [...script.matchAll(/\brequire\(["'`]([^"'`]+)["'`]\)/g)].map((match) =>
    match[1]?.replace(/^node:/, ''),
  );
  expect(needed.length).toBeGreaterThan(0);
  expect(needed.filter((name) => name === undefined || !builtinModules.includes(name))).toEqual([]);
  expect(script).not.toContain(process.cwd());
});
