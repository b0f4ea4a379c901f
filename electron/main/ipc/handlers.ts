import { ipcMain } from 'electron';
import {
  type Input,
  type InvokeChannel,
  invokeChannels,
  type MainChannel,
  type Output,
} from '#shared/contract/ipc.ts';
import { isTrustedSender, type MessageOrigin } from '../security/senders.ts';
import { errorAnswer, requestInvalid, valueAnswer } from './answers.ts';
import { readRequest } from './requests.ts';

/** Answers to the channels that need Electron; one function each, or it does not compile. */
export type MainHandlers = { readonly [C in MainChannel]: (input: Input<C>) => Promise<Output<C>> };

export interface IpcOptions {
  readonly handlers: MainHandlers;
  /** Passes a checked request on to the engine; gives the answer's JSON. */
  readonly forward: (channel: InvokeChannel, input: unknown) => Promise<string>;
  /** Told about every request that came from anywhere but our page. */
  readonly onRefusedSender: (channel: InvokeChannel, address: string) => void;
}

/** Wires every channel of the contract. Failures leave as data: Electron would keep only their message. */
export function handleIpc({ handlers, forward, onRefusedSender }: IpcOptions): void {
  const here = handlers as Readonly<Record<string, ((input: unknown) => Promise<unknown>) | undefined>>;
  for (const channel of invokeChannels) {
    ipcMain.handle(channel, async (event: MessageOrigin, json: unknown): Promise<string> => {
      try {
        if (!isTrustedSender(event)) {
          onRefusedSender(channel, event.senderFrame?.url ?? 'a frame that is gone');
          throw requestInvalid(`${channel} did not come from the station's own page`);
        }
        const input: unknown = readRequest(channel, json);
        const handler = here[channel];
        return handler ? valueAnswer(await handler(input)) : await forward(channel, input);
      } catch (error) {
        return errorAnswer(error);
      }
    });
  }
}
