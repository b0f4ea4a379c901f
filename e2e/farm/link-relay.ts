import fs from 'node:fs';
import path from 'node:path';
import { startCompanion, waitUntil } from '../../scripts/setup/companions.mjs';
import { inProject } from '../../scripts/setup/paths.mjs';
import { must } from './commands.ts';
import type { LinkShape } from './link-shape.ts';

export type { LinkShape } from './link-shape.ts';

export interface LinkRelayOptions {
  /** Name of the end that stays here. */
  readonly cable: string;
  /** Name of the other end until it has become `eth0` of the namespace. */
  readonly far: string;
  readonly space: string;
  readonly shape: LinkShape;
}

/**
 * A cable whose frames pass through a process of ours (link-relay-process.ts), because many kernels are built without
 * netem. Two TAP devices: one stays in the LAN, one becomes the device's `eth0`.
 */
export async function startLinkRelay({ cable, far, space, shape }: LinkRelayOptions) {
  const here = import.meta.dirname;
  // A cable has no processor to wait for: a relay that waits for its turn is a link that stands still for seconds.
  // Where root may not have it either, nice(1) says so and starts it all the same.
  const relay = startCompanion('nice', [
    ...['-n', '-20', 'perl'],
    path.join(here, 'open-taps.pl'),
    ...[cable, far],
    ...[process.execPath, '--import', inProject('node_modules', 'tsx', 'dist', 'loader.mjs')],
    ...[path.join(here, 'link-relay-process.ts'), JSON.stringify(shape)],
  ]);
  try {
    // Of this process's own network; /sys shows the one it was mounted in.
    const both = () => {
      const interfaces = fs.readFileSync('/proc/self/net/dev', 'utf8');
      return [cable, far].every((name) => new RegExp(`^ *${name}:`, 'm').test(interfaces));
    };
    await waitUntil(`the relay of ${space}`, relay, both, 20_000);
    await must('ip', ['link', 'set', far, 'netns', space, 'name', 'eth0']);
  } catch (error) {
    await relay.stop();
    throw error;
  }
  return {
    /** @throws {Error} when it had ended by itself, which its device saw as a link that died */
    stop: async () => {
      const { exitCode, signalCode } = relay.process;
      await relay.stop();
      const how = exitCode ?? signalCode;
      if (how !== null) throw new Error(`The relay of ${space} ended with ${how}: ${relay.messages()}`);
    },
  };
}
