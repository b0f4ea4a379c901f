import { invokeChannels, notifyChannels } from '#shared/contract/ipc.ts';

/** The channels as the contract itself lists them; the preload script has a list of its own. */
export const channelNames = { invoke: invokeChannels, notify: notifyChannels } as const;
