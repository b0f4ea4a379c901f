import type { FarmDevice } from './farm.ts';

/** Steps of an enrollment that can be held in the middle. */
export const gatedSteps = ['packages', 'user', 'binary', 'key-config', 'unit', 'heartbeat'] as const;
export type GatedStep = (typeof gatedSteps)[number];

const folder = '/var/lib/gate';
const hold = '/usr/local/lib/gate';

/** Holds who comes until the gate is opened, but only in the boot in which it was first reached. */
const holdScript = `#!/bin/sh
boot=$(cat /proc/sys/kernel/random/boot_id)
[ -e ${folder}/open ] && exit 0
[ -s ${folder}/reached ] || echo "$boot" > ${folder}/reached
[ "$(cat ${folder}/reached)" = "$boot" ] || exit 0
until [ -e ${folder}/open ]; do sleep 0.05; done
`;

interface Gate {
  /** Before the program of this name that the step runs, or as dpkg's own hook. */
  readonly at: string;
  readonly script: string;
}

/** Shell that holds only when the program is called with arguments of this pattern. */
const when = (pattern: string): string => `case "$*" in ${pattern.replaceAll(' ', '\\ ')}) ${hold} ;; esac`;

/** A program before the real one on every PATH, which holds in the middle of what the step does. */
const before = (program: string, holding: string): Gate => ({
  at: `/usr/local/sbin/${program}`,
  script: `#!/bin/sh\n${holding}\nexec /usr/bin/${program} "$@"\n`,
});

const gates: Readonly<Record<GatedStep, Gate>> = {
  // Packages are unpacked and not one of them is configured.
  packages: {
    at: '/etc/dpkg/dpkg.cfg.d/gate',
    script: `post-invoke=[ "$DPKG_HOOK_ACTION" != unpack ] || ${hold}\n`,
  },
  // The user is there, with its ids; it does not linger yet.
  user: before('loginctl', hold),
  // The file has arrived and is the right one; it is not in its place.
  binary: before('chmod', when('0755 /usr/local/bin/*')),
  // The key has arrived in its temporary file, and is not in its place.
  'key-config': before('chown', when('fleet-agent:fleet-agent /etc/fleet-agent/.*')),
  // The unit is written and enabled; the agent is not started with what is new.
  unit: before('systemctl', when('restart fleet-agent.service')),
  // The agent is started and has not said a word.
  heartbeat: before('node', hold),
};

/** Puts a gate into the middle of a step of the enrollments of this device. */
export async function putGate(device: FarmDevice, step: GatedStep): Promise<void> {
  const { at, script } = gates[step];
  const file = (path: string, content: string, mode: string): string =>
    `mkdir -p "$(dirname ${path})"; printf %s '${content.replaceAll("'", "'\\''")}' > ${path}; chmod ${mode} ${path}`;
  const { code, stderr } = await device.exec(
    `set -e; mkdir -p -m 1777 ${folder}; chmod 1777 ${folder}; ${file(hold, holdScript, '0755')}; ${file(at, script, '0755')}; sync`,
  );
  if (code !== 0) throw new Error(`No gate on ${device.name}: ${stderr}`);
}

/** Whether somebody stands before the gate. */
export async function gateReached(device: FarmDevice): Promise<boolean> {
  return (await device.exec(`[ -s ${folder}/reached ]`)).code === 0;
}

export async function openGate(device: FarmDevice): Promise<void> {
  await device.exec(`: > ${folder}/open`);
}
