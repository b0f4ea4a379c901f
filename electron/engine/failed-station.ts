import type { EngineChannel, Output } from '#shared/contract/ipc.ts';
import { stateWithoutProfile } from '#shared/engine/station.ts';
import { toErrorView } from '#shared/errors/enrollment-error.ts';
import type { StationState } from '#shared/model/station-state.ts';
import type { HostedStation } from './host.ts';

/**
 * The station of a first start, where nobody has made a profile yet: that is no failure, and is not shown as one.
 * What cannot be done without a profile says so.
 */
export function stationWithoutProfile(name: string, version: string, thrown: unknown): HostedStation {
  return answering(stateWithoutProfile(name, version, undefined), thrown);
}

/**
 * A station that could not be put together: its profile cannot be read, or its journal cannot be opened. It shows
 * the error with its remedy, and answers every other call with it.
 */
export function failedStation(name: string, version: string, thrown: unknown): HostedStation {
  return answering(stateWithoutProfile(name, version, toErrorView(thrown)), thrown);
}

function answering(state: StationState, thrown: unknown): HostedStation {
  return {
    handle: async <C extends EngineChannel>(channel: C): Promise<Output<C>> => {
      if (channel === 'station.snapshot') return state as Output<C>;
      throw thrown;
    },
    shutDown: async () => undefined,
  };
}
