import type { HttpClient } from '#shared/adapters/http/http.ts';
import type { DeviceSession } from '#shared/engine/ports.ts';
import type { FakeClock } from '#shared/testing/fake-clock.ts';

/** Names the request to the wire it came over. */
export const wireHeader = 'x-muster-wire';

const LONGEST_WAY_MS = 60;
/** To a device and back, with what it does there. */
const LONGEST_TRIP_MS = 600;

/**
 * The way from stations to the provider. It takes a moment on the world's clock, drawn by chance, each way, and that is
 * all the time a request takes: while the provider works in this computer's time, the world's clock stands still. So
 * which call comes first depends on the seed, and a world runs as fast as the computer can.
 */
export class Wire {
  readonly #clock: FakeClock;
  readonly #chance: () => number;
  readonly #open = new Map<string, () => void>();
  #next = 0;

  constructor(clock: FakeClock, chance: () => number) {
    this.#clock = clock;
    this.#chance = chance;
  }

  http(client: HttpClient): HttpClient {
    return {
      request: async (request) => {
        await this.travel(request.signal);
        const name = String(this.#next);
        this.#next += 1;
        this.#open.set(name, this.#clock.goOutside());
        try {
          const headers = { ...request.headers, [wireHeader]: name };
          return await client.request({ ...request, headers });
        } finally {
          this.#open.get(name)?.();
          this.#open.delete(name);
          await this.travel(new AbortController().signal);
        }
      },
      close: () => client.close(),
    };
  }

  /** A connection to a device whose exchanges take their time too, each way. */
  session(session: DeviceSession): DeviceSession {
    const exchange = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
      await this.travel(signal, LONGEST_TRIP_MS);
      const outcome = await work();
      await this.travel(signal);
      return outcome;
    };
    return {
      hostKeyFingerprint: session.hostKeyFingerprint,
      loginUser: session.loginUser,
      run: (command, options) => exchange(options.signal, () => session.run(command, options)),
      upload: (command, file, options) =>
        exchange(options.signal, () => session.upload(command, file, options)),
      close: () => session.close(),
    };
  }

  /** One way, on the world's clock. */
  travel(signal: AbortSignal, longestMs = LONGEST_WAY_MS): Promise<void> {
    return this.#clock.sleep(1 + this.#chance() * longestMs, signal);
  }

  /** This request gets no answer: time goes on. */
  hangs(name: string): void {
    this.#open.get(name)?.();
  }

  /** This request is looked at later; its caller may have given up by then. */
  async isLate(name: string, ms: number): Promise<void> {
    this.#open.get(name)?.();
    await this.#clock.sleep(ms, new AbortController().signal);
    if (this.#open.has(name)) this.#open.set(name, this.#clock.goOutside());
  }
}
