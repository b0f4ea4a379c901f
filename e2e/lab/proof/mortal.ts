import type { HttpClient } from '#shared/adapters/http/http.ts';
import type { Clock, DeviceSession, Journal } from '#shared/engine/ports.ts';

/**
 * The life of a station's process. It may be told to end at the n-th time it waits for the world, before or after
 * what it waits for has happened; from then on nothing it waits for ever comes back, which is all a killed process
 * shows to the world. What it wrote is kept.
 */
export class Life {
  readonly died: Promise<void>;
  #alive = true;
  #left: number;
  readonly #afterEffect: boolean;
  #end: () => void = () => undefined;

  /** @param endsAt which wait is its last, from 1; undefined for a life that goes on */
  constructor(endsAt?: number, afterEffect = false) {
    this.#left = endsAt ?? Number.POSITIVE_INFINITY;
    this.#afterEffect = afterEffect;
    this.died = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  async wait<T>(act: () => Promise<T>): Promise<T> {
    if (!this.#alive) return never();
    this.#left -= 1;
    if (this.#left <= 0) {
      this.#alive = false;
      this.#end();
      if (this.#afterEffect) act().catch(() => undefined);
      return never();
    }
    const outcome = await act().then(
      (value) => () => value,
      (thrown: unknown) => () => {
        throw thrown;
      },
    );
    return this.#alive ? outcome() : never();
  }

  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, signal) => this.wait(() => clock.sleep(ms, signal)),
      after: (ms, callback) =>
        clock.after(ms, () => {
          if (this.#alive) callback();
        }),
    };
  }

  http(client: HttpClient): HttpClient {
    return { request: (request) => this.wait(() => client.request(request)), close: () => client.close() };
  }

  session(session: DeviceSession): DeviceSession {
    return {
      hostKeyFingerprint: session.hostKeyFingerprint,
      loginUser: session.loginUser,
      run: (command, options) => this.wait(() => session.run(command, this.#heard(options))),
      upload: (command, file, options) => this.wait(() => session.upload(command, file, options)),
      close: () => session.close(),
    };
  }

  /** A journal that a dead process cannot write to. */
  journal(journal: Journal): Journal {
    return new Proxy(journal, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (!this.#alive) throw new Error('This process has ended.');
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  #heard<T extends { readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void }>(options: T): T {
    const { onLine } = options;
    if (onLine === undefined) return options;
    return {
      ...options,
      onLine: (stream: 'stdout' | 'stderr', line: string) => {
        if (this.#alive) onLine(stream, line);
      },
    };
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
