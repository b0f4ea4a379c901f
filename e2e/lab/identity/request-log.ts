/** One answered request, as `inspect()` shows it. No bodies and no headers: those hold secrets. */
export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** 0 when the socket was destroyed instead of answered. */
  readonly status: number;
}

const keptRequests = 10_000;

export class RequestLog {
  readonly #requests: LoggedRequest[] = [];
  readonly #arrivals = new Map<string, number>();

  get requests(): readonly LoggedRequest[] {
    return [...this.#requests];
  }

  /** Counts an arriving request; gives how many like it came before. */
  arrive(method: string, path: string): number {
    const earlier = this.#arrivals.get(`${method} ${path}`) ?? 0;
    this.#arrivals.set(`${method} ${path}`, earlier + 1);
    return earlier;
  }

  add(method: string, path: string, status: number): void {
    this.#requests.push({ at: Date.now(), method, path, status });
    if (this.#requests.length > keptRequests) this.#requests.splice(0, keptRequests / 10);
  }
}
