import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceId } from '../testing/builders.ts';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { EXIT_OTHER_ID } from './exit-status.ts';
import { binaryPath, configDirectory, configPath, epochPath, keyPath, unitPath } from './paths.ts';
import { removeAgent } from './removal-commands.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  root.standIn('systemctl', ':');
  for (const path of [keyPath, unitPath, binaryPath, epochPath]) root.write(path, 'ours');
  root.write(configPath, '[agent]\ndevice_id = "board-01"\n\n[labels]\n');
});
afterEach(() => root.remove());

const remove = (removeUser = false) =>
  runShell(removeAgent('c0ffee', deviceId('board-01'), { removeUser }).script, { env: root.env });
const left = (): string[] =>
  [keyPath, unitPath, binaryPath, epochPath, configPath, configDirectory].filter((path) =>
    existsSync(root.on(path)),
  );

describe('taking the agent off', () => {
  it('stops it, removes its files, and has systemd forget the unit', () => {
    const { status, stdout } = remove();
    expect(status, stdout).toBe(0);
    expect(left()).toEqual([]);
    expect(root.calls()).toEqual([
      'systemctl stop fleet-agent.service',
      'systemctl disable fleet-agent.service',
      'systemctl daemon-reload',
      'systemctl reset-failed fleet-agent.service',
    ]);
  });

  it('is no failure where all is gone, though systemd knows no such unit', () => {
    remove();
    root.standIn('systemctl', 'case "$1" in daemon-reload) ;; *) exit 5 ;; esac');
    expect(remove().status).toBe(0);
  });

  it('removes nothing while the agent cannot be stopped', () => {
    root.standIn('systemctl', '[ "$1" != stop ]');
    expect(remove().status).toBe(1);
    expect(left()).toHaveLength(6);
  });

  it.each(['board-02', "o'$(touch x)", ''])('asks the config whose device it is: %j', (id) => {
    root.write(configPath, `[agent]\ndevice_id = "${id}"\n`);
    const { status, stdout } = remove();
    if (id === '') expect([status, left()]).toEqual([0, []]);
    else {
      expect(status).toBe(EXIT_OTHER_ID);
      expect(stdout).toContain(`enrolled as: ${id}\n`);
      expect(left()).toHaveLength(6);
      expect(root.calls()).toEqual([]);
    }
  });

  it('leaves what others have put beside it', () => {
    root.write(`${configDirectory}/notes.txt`, 'theirs');
    root.write(`${configDirectory}/.fleet-agent.new.AbCd`, 'half a key');
    const { status, stdout } = remove();
    expect(status).toBe(0);
    expect(stdout).toContain('something else is in /etc/fleet-agent; it stays');
    expect(left()).toEqual([configDirectory]);
    expect(existsSync(root.on(`${configDirectory}/.fleet-agent.new.AbCd`))).toBe(false);
  });

  it('deletes the user only when asked', () => {
    for (const name of ['loginctl', 'userdel']) root.standIn(name, ':');
    root.standIn('getent', 'echo fleet-agent:x:998:997::/var/lib/fleet-agent:/usr/sbin/nologin');
    remove();
    expect(root.calls().some((call) => call.startsWith('userdel'))).toBe(false);
    remove(true);
    expect(root.calls()).toContain('userdel --remove fleet-agent');
  });
});
