import { contextBridge, ipcRenderer } from 'electron';
import {
  type Bridge,
  invokeChannelNames,
  MAX_REQUEST_LENGTH,
  notifyChannelNames,
} from '#shared/contract/channel-names.ts';
import type { Channel } from '#shared/contract/ipc.ts';

/*
 * The renderer's half of the contract and nothing else. Only text crosses this bridge: objects of the page can lie
 * about themselves (getters, proxies, thenables), text cannot.
 */

/** One property per channel, frozen, without anything inherited. */
function perChannel<C extends Channel, F>(
  channels: readonly C[],
  make: (channel: C) => F,
): Readonly<Record<C, F>> {
  return Object.freeze(Object.fromEntries(channels.map((channel) => [channel, make(channel)]))) as Record<
    C,
    F
  >;
}

const bridge: Bridge = Object.freeze({
  invoke: perChannel(invokeChannelNames, (channel) => async (json: string): Promise<string> => {
    // The main process refuses what is no JSON and says so; it need not be sent a flood or an object for that.
    const request = typeof json === 'string' && json.length <= MAX_REQUEST_LENGTH ? json : '';
    return String(await ipcRenderer.invoke(channel, request));
  }),
  on: perChannel(notifyChannelNames, (channel) => (listener: (json: string) => void) => {
    if (typeof listener !== 'function') throw new TypeError('A listener is a function.');
    const forward = (_event: unknown, json: unknown): void => {
      if (typeof json === 'string') listener(json);
    };
    ipcRenderer.on(channel, forward);
    return () => {
      ipcRenderer.removeListener(channel, forward);
    };
  }),
});

contextBridge.exposeInMainWorld('muster', bridge);
