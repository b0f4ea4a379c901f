import type { Duplex } from 'node:stream';
import ssh2, { type ClientCallback, type ClientChannel, type ExecOptions } from 'ssh2';
import { gatherWrites } from './gather-writes.ts';
import { releaseWhatIsWritten } from './release-memory.ts';

/** Smaller packets cost more in headers than they carry; with none at all ssh2 would never come to an end. */
const SMALLEST_PACKET = 512;
/** What every honest server takes (RFC 4253, section 6.1). */
const LARGEST_PACKET = 32 * 1024;
/** From here on the station waits until the device has taken something. */
const UNSENT_BYTES = 1024 * 1024;

/** The part of ssh2's channels that is looked at here and has no types. */
interface ChannelInside {
  readonly outgoing: { packetSize: number };
  _write(data: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void;
}

/**
 * An SSH client whose channels a device cannot use against the station: packet sizes have bounds, and a window larger
 * than the link does not make the station keep in memory what is not sent yet.
 */
export class StationClient extends ssh2.Client {
  readonly #carrier: StationClient | undefined;
  #stream: Duplex | undefined;

  /** @param carrier the client of the jump host that this connection goes through; it goes down with this one */
  constructor(carrier?: StationClient) {
    super();
    this.#carrier = carrier;
    if (carrier !== undefined) this.once('close', () => carrier.destroy());
  }

  /** The stream the connection runs on; its backlog is what channels wait for. */
  runOn(stream: Duplex): void {
    this.#stream = stream;
    gatherWrites(stream);
    releaseWhatIsWritten(stream);
  }

  /** What waits for the link: ssh2 keeps its stream to itself and does not look whether anything takes its bytes. */
  get link(): Duplex | undefined {
    return this.#stream;
  }

  override exec(command: string, options: ExecOptions | ClientCallback, callback?: ClientCallback): this {
    const done = typeof options === 'function' ? options : callback;
    return super.exec(command, typeof options === 'function' ? {} : options, (error, channel) => {
      if (error) done?.(error, channel);
      else this.#admit(channel, (problem) => done?.(problem, channel));
    });
  }

  /** A stream through this host to another one. */
  openWay(host: string, port: number): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      this.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) reject(error);
        else
          this.#admit(channel, (problem) => {
            if (problem) reject(problem);
            else resolve(channel);
          });
      });
    });
  }

  override destroy(): this {
    super.destroy();
    this.#carrier?.destroy();
    return this;
  }

  #admit(channel: ClientChannel, done: (problem: Error | undefined) => void): void {
    const inside = channel as unknown as ChannelInside;
    const { outgoing } = inside;
    if (outgoing.packetSize < SMALLEST_PACKET) {
      channel.close();
      done(new Error(`The device takes packets of ${outgoing.packetSize} bytes only.`));
      return;
    }
    outgoing.packetSize = Math.min(outgoing.packetSize, LARGEST_PACKET);
    const write = inside._write.bind(inside);
    inside._write = (data, encoding, written) =>
      write(data, encoding, (error) => {
        if (error) written(error);
        else this.#whenTaken(written);
      });
    done(undefined);
  }

  #whenTaken(done: () => void): void {
    const stream = this.#stream;
    if (stream === undefined || stream.writableLength <= UNSENT_BYTES) {
      done();
      return;
    }
    const go = () => {
      stream.off('drain', go);
      stream.off('close', go);
      done();
    };
    stream.once('drain', go);
    stream.once('close', go);
  }
}
