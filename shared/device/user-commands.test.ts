import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runShell } from '../testing/run-shell.ts';
import { TemporaryRoot } from '../testing/temporary-root.ts';
import { composeTrip, type Fragment } from './fragment.ts';
import {
  addSubordinateIds,
  awaitPodmanSocket,
  createAgentUser,
  enableLinger,
  enablePodmanSocket,
  enablePodmanSocketAhead,
  giveAgentGroup,
  repairAgentHome,
} from './user-commands.ts';

let root: TemporaryRoot;

beforeEach(() => {
  root = new TemporaryRoot();
  for (const program of ['useradd', 'usermod', 'groupadd', 'chown', 'sleep', 'loginctl'])
    root.standIn(program, ':');
  root.standIn('systemctl', ':');
  root.standIn('runuser', 'exit 1');
  passwd('fleet-agent:x:998:997::/var/lib/fleet-agent:/usr/sbin/nologin');
  // Whoever runs the tests plays the agent user.
  root.standIn('id', 'exec /usr/bin/id -u');
});

afterEach(() => {
  root.remove();
});

function passwd(entry: string, group = true): void {
  root.standIn(
    'getent',
    `case $1 in passwd) echo '${entry}' ;; *) ${group ? 'echo fleet-agent:x:997:' : 'exit 2'} ;; esac`,
  );
}

const run = (fragment: Fragment) =>
  runShell(composeTrip('test', 'c0ffee', [{ step: 'user', fragments: [fragment] }]).script, {
    env: root.env,
  });
const called = (program: string): string[] => root.calls().filter((call) => call.startsWith(`${program} `));

describe('the user', () => {
  it.each([
    [true, '--gid fleet-agent'],
    [false, '--user-group'],
  ])('is created where its group is left from before: %s', (hasGroup, option) => {
    passwd('', hasGroup);
    expect(run(createAgentUser()).status).toBe(0);
    expect(called('useradd')[0]).toContain(` ${option} `);
    expect(statSync(root.on('/var/lib/fleet-agent')).mode & 0o7777).toBe(0o750);
  });

  it('gets its group, which is made where it is missing', () => {
    passwd('fleet-agent:x:998:65534::/home/fleet-agent:/bin/bash', false);
    expect(run(giveAgentGroup()).status).toBe(0);
    expect([...called('groupadd'), ...called('usermod')]).toEqual([
      ...['groupadd --system fleet-agent', 'usermod --gid fleet-agent fleet-agent'],
    ]);
  });

  it('gets id ranges behind all others', () => {
    root.write('/etc/subuid', 'pi:100000:65536\nother:300000:65536\n');
    expect(run(addSubordinateIds()).status).toBe(0);
    expect(called('usermod')[0]).toContain('--add-subuids 365536-431071 ');
  });
});

describe('the home', () => {
  it('of an older generation that is none gives way, with the agent stopped for it and started again', () => {
    passwd('fleet-agent:x:998:997::/nonexistent:/usr/sbin/nologin');
    expect(run(repairAgentHome()).status).toBe(0);
    expect(root.calls().filter((call) => /^(systemctl (stop|start)|usermod)/.test(call))).toEqual([
      ...['systemctl stop user@998.service', 'systemctl stop fleet-agent.service'],
      'usermod --home /var/lib/fleet-agent fleet-agent',
      ...['systemctl start user@998.service', 'systemctl start fleet-agent.service'],
    ]);
  });

  it('leaves the old agent running when it cannot be given', () => {
    passwd('fleet-agent:x:998:997::/nonexistent:/usr/sbin/nologin');
    root.standIn('usermod', 'echo "usermod: cannot lock /etc/passwd; try again later." >&2; exit 1');
    expect(run(repairAgentHome()).status).toBe(1);
    expect(called('systemctl').at(-1)).toBe('systemctl start fleet-agent.service');
  });

  it('does not stop what does not run', () => {
    passwd('fleet-agent:x:998:997::/nonexistent:/usr/sbin/nologin');
    root.standIn('systemctl', '[ "$1" != is-active ]');
    expect(run(repairAgentHome()).status).toBe(0);
    expect(called('systemctl').filter((call) => !call.includes('is-active'))).toEqual([]);
  });

  it.each(['link', 'file', 'foreign directory'])(
    'keeps a %s that stands there, under another name',
    (what) => {
      mkdirSync(root.on('/var/lib/fleet-agent.before-1'));
      if (what === 'link') root.link('/var/lib/fleet-agent', '/home/pi');
      else if (what === 'file') root.write('/var/lib/fleet-agent', 'theirs');
      else mkdirSync(root.on('/var/lib/fleet-agent'));
      if (what === 'foreign directory') root.standIn('id', 'echo 4711');
      const { status, stdout } = run(repairAgentHome());
      expect(status).toBe(0);
      expect(stdout).toContain('kept what was there as /var/lib/fleet-agent.before-2');
      expect(readdirSync(root.on('/var/lib'))).toEqual(
        expect.arrayContaining(['fleet-agent', 'fleet-agent.before-1', 'fleet-agent.before-2']),
      );
      expect(statSync(root.on('/var/lib/fleet-agent')).isDirectory()).toBe(true);
    },
  );
});

describe('the user manager', () => {
  const bus = '/run/user/998/bus';

  it('is left alone where it answers', () => {
    root.write(bus, '');
    expect(run(enableLinger()).status).toBe(0);
    expect(root.calls().filter((call) => /^(systemctl|runuser|sleep)/.test(call))).toEqual([]);
  });

  it('is started by name where it is dead', () => {
    root.standIn(
      'systemctl',
      `case "$*" in 'start user@998.service') mkdir -p '${root.on('/run/user/998')}'; : > '${root.on(bus)}' ;; esac`,
    );
    expect(run(enableLinger()).status).toBe(0);
    expect(called('systemctl')).toEqual(['systemctl start user@998.service']);
  });

  it('learns of its bus where it ran before that was installed', () => {
    root.standIn(
      'runuser',
      `case "$*" in *'start dbus.socket') mkdir -p '${root.on('/run/user/998')}'; : > '${root.on(bus)}' ;; esac`,
    );
    expect(run(enableLinger()).status).toBe(0);
    expect(called('runuser').map((call) => call.replace(/.*systemctl/, ''))).toEqual([
      ...[' --user daemon-reload', ' --user start dbus.socket'],
    ]);
  });

  it('is given up on after a while', () => {
    const { status, stdout } = run(enableLinger());
    expect(status).toBe(1);
    expect(stdout).toContain('did not start in 20 s');
    expect(called('sleep')).toHaveLength(100);
  });
});

describe('the podman socket', () => {
  const socket = '/run/user/998/podman/podman.sock';

  it('is enabled past a bus that is not there', () => {
    root.write(socket, '');
    root.standIn('systemctl', 'exit 1');
    root.standIn('runuser', ':');
    expect(run(enablePodmanSocket()).status).toBe(0);
    expect(called('runuser')[0]).toMatch(/systemctl --user enable --now podman.socket$/);
  });

  it('is started anew where it counts as started and its file is gone', () => {
    root.standIn('runuser', ':');
    expect(run(enablePodmanSocket()).status).toBe(0);
    expect(called('runuser').at(-1)).toMatch(/systemctl --user restart podman.socket$/);
    expect(existsSync(root.on(socket))).toBe(false);
  });

  it('is enabled before there is a user manager, as the agent and in its own home', () => {
    root.standIn('runuser', ':');
    expect(run(enablePodmanSocketAhead()).status).toBe(0);
    expect(called('runuser')).toEqual([
      `runuser -u fleet-agent -- env HOME=${root.on('/var/lib/fleet-agent')} SYSTEMD_OFFLINE=1 systemctl --user enable podman.socket`,
    ]);
  });

  it('that comes up with the user manager is waited for, and nothing else is done', () => {
    root.standIn(
      'sleep',
      `[ -e '${root.on(socket)}' ] || { mkdir -p '${dirname(root.on(socket))}'; : > '${root.on(socket)}'; }`,
    );
    expect(run(awaitPodmanSocket()).status).toBe(0);
    expect([called('sleep').length, called('systemctl'), called('runuser')]).toEqual([1, [], []]);
  });

  it('that does not come up by itself is enabled the long way', () => {
    root.standIn('runuser', 'exit 1');
    expect(run(enablePodmanSocketAhead()).status).toBe(0);
    root.standIn('systemctl', `mkdir -p '${dirname(root.on(socket))}'; : > '${root.on(socket)}'`);
    expect(run(awaitPodmanSocket()).status).toBe(0);
    expect(called('systemctl')).toEqual([
      'systemctl --user --machine=fleet-agent@ enable --now podman.socket',
    ]);
  });
});
