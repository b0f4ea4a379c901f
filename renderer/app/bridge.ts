import type { Bridge } from '#shared/contract/channel-names.ts';
import {
  type Input,
  type InvokeChannel,
  ipc,
  type NotifyChannel,
  type Output,
  type Payload,
  type Result,
  resultSchema,
} from '#shared/contract/ipc.ts';
import { describeThrown, EnrollmentError, toErrorView } from '#shared/errors/enrollment-error.ts';
import { reportFailure } from './failures.ts';

declare global {
  interface Window {
    readonly muster: Bridge;
  }
}

type Arguments<C extends InvokeChannel> = Input<C> extends null ? [] : [input: Input<C>];

/**
 * Asks the station and gives its answer, parsed. Never throws: a lost process or an answer of the wrong shape
 * is a failure like any other.
 */
export async function call<C extends InvokeChannel>(
  channel: C,
  ...[input]: Arguments<C>
): Promise<Result<Output<C>>> {
  try {
    const answer = await window.muster.invoke[channel](JSON.stringify(input ?? null));
    return resultSchema(channel).parse(JSON.parse(answer));
  } catch (thrown) {
    return { ok: false, error: toErrorView(fault(channel, thrown)) };
  }
}

/** Like {@link call}; a failure is shown above the work area. Gives whether it went well. */
export async function act<C extends InvokeChannel>(channel: C, ...input: Arguments<C>): Promise<boolean> {
  const result = await call(channel, ...input);
  if (!result.ok) reportFailure(result.error);
  return result.ok;
}

/** Listens to one channel. A message of the wrong shape is shown as a failure and dropped. Gives the unsubscribe. */
export function listen<C extends NotifyChannel>(
  channel: C,
  listener: (payload: Payload<C>) => void,
): () => void {
  const schema = ipc[channel].payload;
  return window.muster.on[channel]((json) => {
    let payload: Payload<C>;
    try {
      payload = schema.parse(JSON.parse(json)) as Payload<C>;
    } catch (thrown) {
      reportFailure(toErrorView(fault(channel, thrown)));
      return;
    }
    listener(payload);
  });
}

function fault(channel: string, thrown: unknown): EnrollmentError {
  return new EnrollmentError('STATION_BUG', {
    cause: thrown,
    evidence: `${channel}: ${describeThrown(thrown)}`,
  });
}
