import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import { findDropIns, restartUnit, setDropInsAside, startUnit } from './unit-commands.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('systemctl', ':');
});

afterEach(() => {
  root.remove();
});

const run = (fragment: Fragment) =>
  runShell(composeTrip('test', 'c0ffee', [{ step: 'unit', fragments: [fragment] }]).script, {
    env: root.env,
  });

describe('drop-ins of others', () => {
  const folder = 'systemd/system/fleet-agent.service.d';
  const found = (): string =>
    runShell(`R="$MUSTER_DEVICE_ROOT"\n${findDropIns}\nforeign_drop_ins`, { env: root.env }).stdout;

  it('are set aside where they change what runs: kept in /etc, hidden where they are a package’s', () => {
    const old = '[Service]\nUser=root\n';
    root.write(`/etc/${folder}/user.conf`, old);
    root.write(`/etc/${folder}/limits.conf`, '[Service]\nMemoryMax=100M\n');
    root.write(`/usr/lib/${folder}/exec.conf`, '[Service]\nExecStart=/opt/old\n');
    expect(found()).toBe(`/etc/${folder}/user.conf\n/usr/lib/${folder}/exec.conf\n`);
    expect(run(setDropInsAside()).status).toBe(0);
    expect(found()).toBe('');
    expect(readFileSync(root.on(`/etc/${folder}/user.conf.before`), 'utf8')).toBe(old);
    expect(existsSync(root.on(`/etc/${folder}/limits.conf`))).toBe(true);
    expect(readlinkSync(root.on(`/etc/${folder}/exec.conf`))).toBe('/dev/null');
    expect(existsSync(root.on(`/usr/lib/${folder}/exec.conf`))).toBe(true);
    expect(root.calls()).toEqual(['systemctl daemon-reload']);
  });

  it('are found with any name a file may have', () => {
    root.write(`/etc/${folder}/a b'$(x).conf`, '[Service]\nExecStart=/opt/old\n');
    expect(run(setDropInsAside()).status).toBe(0);
    expect(found()).toBe('');
  });
});

describe('starting the agent', () => {
  it.each([
    ['restart', restartUnit()],
    ['start', startUnit()],
  ])('%s forgets that it failed too often before, where that is in the way', (verb, fragment) => {
    const act = `systemctl ${verb} fleet-agent.service`;
    expect(run(fragment).status).toBe(0);
    expect(root.calls()).toEqual([act]);
    const forgotten = root.on('/forgotten');
    root.standIn(
      'systemctl',
      `case $1 in reset-failed) : > '${forgotten}' ;; *) [ -e '${forgotten}' ] ;; esac`,
    );
    expect(run(fragment).status).toBe(0);
    expect(root.calls().slice(1)).toEqual([act, 'systemctl reset-failed fleet-agent.service', act]);
  });

  it.each([
    ['restart', restartUnit()],
    ['start', startUnit()],
  ])('%s that fails for another reason is told', (_verb, fragment) => {
    root.standIn('systemctl', '[ "$1" = reset-failed ]');
    expect(run(fragment).status).toBe(1);
  });
});
