import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requiredPackages } from '#shared/device/paths.ts';
import { capture } from '../../../scripts/setup/processes.mjs';
import type { Contestant, Payload } from './payload.ts';

const limitMs = 10 * 60_000;

/** Ansible with what makes it fast: pipelining, as many forks as devices, no facts, a fixed interpreter. */
export function byAnsible(payload: Payload): Contestant {
  const folder = path.join(payload.folder, 'ansible');
  const files = path.join(folder, 'files');
  mkdirSync(files, { recursive: true });
  writeFileSync(path.join(folder, 'playbook.yml'), playbook(payload));
  return {
    name: 'Ansible',
    enroll: async (contenders) => {
      const hosts: string[] = [];
      for (const { id, device } of contenders) {
        writeFileSync(path.join(files, `${id}.key`), `${payload.key(id)}\n`);
        writeFileSync(path.join(files, `${id}.toml`), payload.config(id));
        hosts.push(`${id} ansible_host=${device.address} ansible_user=${device.user}`);
      }
      writeFileSync(path.join(folder, 'hosts'), `${hosts.join('\n')}\n`);
      writeFileSync(path.join(folder, 'ansible.cfg'), config(payload, contenders));
      // Every run logs in anew, as the others do.
      rmSync(path.join(folder, 'control'), { recursive: true, force: true });
      const { code, stdout, stderr } = await capture('ansible-playbook', ['-i', 'hosts', 'playbook.yml'], {
        cwd: folder,
        env: { ...process.env, ANSIBLE_CONFIG: path.join(folder, 'ansible.cfg'), LC_ALL: 'C.UTF-8' },
        limitMs,
      });
      if (code !== 0) throw new Error(`Ansible: status ${code}\n${`${stdout}${stderr}`.slice(-3_000)}`);
    },
  };
}

function config(payload: Payload, contenders: Parameters<Contestant['enroll']>[0]): string {
  return `[defaults]
forks = ${contenders.length}
gathering = explicit
interpreter_python = /usr/bin/python3
private_key_file = ${contenders[0]?.device.privateKeyFile ?? ''}
host_key_checking = True
retry_files_enabled = False
local_tmp = ${payload.folder}/ansible/tmp

[ssh_connection]
pipelining = True
control_path_dir = ${payload.folder}/ansible/control
ssh_args = -C -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${payload.knownHosts} -o IdentitiesOnly=yes
`;
}

function playbook(payload: Payload): string {
  // By command, as the others do it: the module for apt wants a Python library on every device.
  const names = requiredPackages.join(' ');
  return `- hosts: all
  gather_facts: false
  become: true
  tasks:
    - shell: "dpkg-query -W ${names} >/dev/null || apt-get -y --no-install-recommends install ${names}"
      changed_when: false
    - user: { name: fleet-agent, system: true, create_home: true, home: /var/lib/fleet-agent, shell: /usr/sbin/nologin }
      register: agent
    - shell: "grep -q ^fleet-agent: /etc/subuid || usermod --add-subuids 200000-265535 --add-subgids 200000-265535 fleet-agent"
      changed_when: false
    - command: { cmd: loginctl enable-linger fleet-agent, creates: /var/lib/systemd/linger/fleet-agent }
    - wait_for: { path: "/run/user/{{ agent.uid }}/bus", sleep: 1 }
    - command:
        cmd: systemctl --user --machine=fleet-agent@ enable --now podman.socket
        creates: /var/lib/fleet-agent/.config/systemd/user/sockets.target.wants/podman.socket
    - copy: { src: ${payload.binary}, dest: /usr/local/bin/fleet-agent, owner: root, group: root, mode: "0755" }
      notify: restart
    - file: { path: /etc/fleet-agent, state: directory, owner: root, group: fleet-agent, mode: "0750" }
    - copy: { src: "{{ inventory_hostname }}.key", dest: /etc/fleet-agent/zitadel-key.json, owner: fleet-agent, group: fleet-agent, mode: "0640" }
      notify: restart
    - copy: { src: "{{ inventory_hostname }}.toml", dest: /etc/fleet-agent/config.toml, owner: root, group: root, mode: "0644" }
      notify: restart
    - copy: { src: ${payload.folder}/fleet-agent.service, dest: /etc/systemd/system/fleet-agent.service, owner: root, group: root, mode: "0644" }
      notify: restart
    - systemd: { name: fleet-agent, enabled: true, state: started, daemon_reload: true }
  handlers:
    - name: restart
      systemd: { name: fleet-agent, state: restarted, daemon_reload: true }
`;
}
