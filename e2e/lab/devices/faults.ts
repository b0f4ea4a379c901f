/** Every fault a rehearsal device can be given, with the sentence the lab shows for it. */
export const REHEARSAL_FAULTS = {
  'sudo-password': 'sudo asks for the login password instead of letting the user through.',
  'wrong-password': 'The device accepts neither the authorized key nor the password.',
  unreachable: 'Nothing listens on the SSH port: the connection is refused.',
  'disk-full': '/usr/local has no free space left (namespace mode only).',
  'slow-link': 'The link carries 2 Mbit/s with 80 ms of round trip.',
  'dead-agent': 'The unit starts, but the agent exits at once with code 1.',
  'apt-locked': 'Another process holds the apt lock for as long as the fault is on.',
  'apt-lists-missing': 'apt knows no package until its lists are fetched.',
  'noisy-rc': 'A start-up file prints banner lines before the output of every command.',
  'changed-host-key': 'The device shows another host key than the one it had when it was started.',
  'link-cut': 'The connection drops once, after 256 KiB were sent to the device.',
} as const satisfies Record<string, string>;

/** The name of one fault. */
export type RehearsalFault = keyof typeof REHEARSAL_FAULTS;

/** All fault names, in the order of the list above. */
export const rehearsalFaultNames = Object.keys(REHEARSAL_FAULTS) as readonly RehearsalFault[];

/** Tells whether a text (a command-line word, say) names a fault. */
export function isRehearsalFault(name: string): name is RehearsalFault {
  return Object.hasOwn(REHEARSAL_FAULTS, name);
}
