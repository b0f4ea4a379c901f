import { constants } from 'node:os';
import type { ClientChannel } from 'ssh2';
import { shellQuote } from '../../device/quote.ts';
import type { Clock } from '../../engine/ports.ts';
import { describeThrown } from '../../errors/enrollment-error.ts';
import type { CommandTransport } from '../command/command-transport.ts';
import { createChannelInput } from './channel-input.ts';
import type { StationClient } from './wire/station-client.ts';

function exitStatusOf(code: number | null, signalName: string | undefined): number {
  if (code !== null) return code;
  const signals: Readonly<Record<string, number>> = constants.signals;
  // As a shell reports a command that a signal ended.
  return 128 + (signals[`SIG${(signalName ?? '').replace(/^SIG/, '')}`] ?? 0);
}

/** A word every shell takes as it stands. */
const PLAIN_WORD = /^[A-Za-z0-9/_.][A-Za-z0-9/_.=-]*$|^-[A-Za-z]$/;

/** One exec channel a command. The login shell sees `exec` and quoted words, and is gone. */
export function createSshTransport(client: StationClient, clock: Clock): CommandTransport {
  return {
    breakOff: () => client.destroy(),
    start: ({ argv }, events) => {
      const onChannel = (thrown: Error | undefined, channel: ClientChannel) => {
        if (thrown) return events.failed(`No channel for a command: ${describeThrown(thrown)}`, thrown);
        let exitStatus: number | undefined;
        channel.on('data', (bytes: Buffer) => events.stdout(bytes));
        channel.stderr.on('data', (bytes: Buffer) => events.stderr(bytes));
        channel.on('exit', (code: number | null, signalName?: string) => {
          exitStatus = exitStatusOf(code, signalName);
        });
        channel.on('error', (error: Error) => events.failed(describeThrown(error), error));
        channel.on('close', () => events.closed(exitStatus));
        return events.opened(createChannelInput(channel, client.link, clock));
      };
      try {
        const exec = `exec ${argv.map((word) => (PLAIN_WORD.test(word) ? word : shellQuote(word))).join(' ')}`;
        client.exec(exec, { pty: false, agentForward: false, x11: false } as never, onChannel);
      } catch (thrown) {
        events.failed(describeThrown(thrown), thrown);
      }
    },
  };
}
