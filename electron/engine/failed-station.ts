import type { EngineChannel, Output } from '#shared/contract/ipc.ts';
import { stateWithoutProfile } from '#shared/engine/station.ts';
import { toErrorView } from '#shared/errors/enrollment-error.ts';
import type { HostedStation } from './host.ts';

/**
 * A station that could not be put together: its profile cannot be read, or its journal cannot be opened. It shows
 * the error with its remedy, and answers every other call with it.
 */
export function failedStation(name: string, version: string, thrown: unknown): HostedStation {
  const state = stateWithoutProfile(name, version, toErrorView(thrown));
  return {
    handle: async <C extends EngineChannel>(channel: C): Promise<Output<C>> => {
      if (channel === 'station.snapshot') return state as Output<C>;
      throw thrown;
    },
    shutDown: async () => undefined,
  };
}
