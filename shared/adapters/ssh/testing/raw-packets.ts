import type { Connection } from 'ssh2';

/** The part of ssh2's protocol that writes packets: tests send what no server would. */
interface ProtocolInside {
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(length: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
}

/** SSH message numbers (RFC 4250, section 4.1). */
export const messages = {
  ignore: 2,
  banner: 53,
  infoRequest: 60,
  globalRequest: 80,
  channelRequest: 98,
} as const;

/** Sends one message with a payload of the test's choice, encrypted as all others. */
export function sendRaw(
  connection: Connection,
  message: number,
  payload: Uint8Array = new Uint8Array(),
): void {
  const protocol = (connection as unknown as { readonly _protocol: ProtocolInside })._protocol;
  const { write } = protocol._packetRW;
  const packet = write.alloc(1 + payload.length);
  packet[write.allocStart] = message;
  packet.set(payload, write.allocStart + 1);
  protocol._cipher.encrypt(write.finalize(packet));
}

export function field(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}

/** Calls back as fast as the connection takes it, until it is gone. */
export function withoutEnd(connection: Connection, send: () => void): void {
  let gone = false;
  connection.on('close', () => {
    gone = true;
  });
  const turn = () => {
    for (let count = 0; count < 50 && !gone; count += 1) {
      try {
        send();
      } catch {
        gone = true;
      }
    }
    if (!gone) setImmediate(turn);
  };
  turn();
}
