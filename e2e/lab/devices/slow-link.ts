import type { Socket } from 'node:net';
import { Duplex, Transform, type TransformCallback } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

/** Bandwidth and one-way delay of a link. */
export interface LinkBudget {
  readonly bitsPerSecond: number;
  readonly oneWayDelayMs: number;
}

/** The link of the fault `slow-link`. */
export const SLOW_LINK: LinkBudget = { bitsPerSecond: 2_000_000, oneWayDelayMs: 40 };

/** Bytes on the way at a time; keeps the sender's back pressure honest. */
const PIECE_BYTES = 4_096;

/** One direction of a slow link: bytes leave at the link's rate and arrive after its delay. */
class SlowDirection extends Transform {
  readonly #budget: LinkBudget;
  #freeAt = 0;
  #onTheWay: Promise<unknown> = Promise.resolve();

  constructor(budget: LinkBudget) {
    super({ highWaterMark: PIECE_BYTES * 4 });
    this.#budget = budget;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    void this.#send(chunk).then(
      () => done(),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, at + PIECE_BYTES);
      const now = performance.now();
      this.#freeAt = Math.max(now, this.#freeAt) + (piece.length * 8_000) / this.#budget.bitsPerSecond;
      const arrivesAt = this.#freeAt + this.#budget.oneWayDelayMs;
      const before = this.#onTheWay;
      this.#onTheWay = wait(Math.max(0, arrivesAt - now)).then(async () => {
        await before;
        this.push(piece);
      });
      // The sender may run ahead by a timer tick, not by the whole delay.
      if (this.#freeAt - now > 5) await wait(this.#freeAt - now);
    }
  }

  override _flush(done: TransformCallback): void {
    void this.#onTheWay.then(() => done());
  }
}

/** Puts a slow link in front of a socket; what is returned behaves like the socket, but slower. */
export function slowLink(socket: Socket, budget: LinkBudget = SLOW_LINK): Duplex {
  const towards = new SlowDirection(budget);
  const back = new SlowDirection(budget);
  socket.pipe(towards);
  back.pipe(socket);
  const link = Duplex.from({ readable: towards, writable: back });
  socket.once('close', () => link.destroy());
  link.once('close', () => socket.destroy());
  // A cut link is what this is for; the error reaches ssh2 through the duplex itself.
  for (const stream of [towards, back]) stream.on('error', () => link.destroy());
  return link;
}
