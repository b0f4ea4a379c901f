import type { InvokeChannel, NotifyChannel } from './ipc.ts';

/*
 * Names only, for the preload script: the contract itself would bring the schema library into the one place that
 * should stay small. A channel that is missing here, or no longer in the contract, does not compile.
 */

const invokes: Record<InvokeChannel, true> = {
  'station.snapshot': true,
  'station.dismissNotice': true,
  'session.signIn': true,
  'session.signInHere': true,
  'session.signInWithToken': true,
  'session.cancel': true,
  'session.signOut': true,
  'session.openBrowser': true,
  'session.copyAddress': true,
  'bench.add': true,
  'bench.rename': true,
  'bench.remove': true,
  'batch.start': true,
  'batch.stop': true,
  'batch.retry': true,
  'device.trustNewHostKey': true,
  'fleet.targets': true,
  'fleet.rotateKeys': true,
  'fleet.lookUpKeys': true,
  'device.decommission': true,
  'device.stopDecommission': true,
  'device.followLog': true,
  'device.unfollowLog': true,
  'device.copyEvidence': true,
  'setup.view': true,
  'setup.check': true,
  'setup.run': true,
  'setup.leave': true,
  'setup.leaveScreen': true,
  'setup.openProfile': true,
  'profile.list': true,
  'profile.open': true,
  'profile.openFile': true,
  'profile.forget': true,
  'import.chooseFile': true,
  'import.read': true,
  'import.save': true,
};

const notifies: Record<NotifyChannel, true> = {
  'station.delta': true,
  'setup.changed': true,
  'device.log': true,
};

export const invokeChannelNames = Object.keys(invokes) as readonly InvokeChannel[];
export const notifyChannelNames = Object.keys(notifies) as readonly NotifyChannel[];

/**
 * Longest JSON text the window may send, in characters. The largest honest request is a client config of 1 MiB, with every
 * quote and end of line escaped.
 */
export const MAX_REQUEST_LENGTH = 2_097_152;

/** What the preload script puts on `window.muster`: JSON text in, JSON text out, and nothing else. */
export interface Bridge {
  readonly invoke: Readonly<Record<InvokeChannel, (json: string) => Promise<string>>>;
  /** Gives the function that ends the subscription. */
  readonly on: Readonly<Record<NotifyChannel, (listener: (json: string) => void) => () => void>>;
}
