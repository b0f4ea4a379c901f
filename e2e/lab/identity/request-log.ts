/** One answered request, as `inspect()` shows it. No bodies and no headers: those hold secrets. */
export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** 0 when the socket was destroyed instead of answered. */
  readonly status: number;
}

const keptRequests = 10_000;

/** Method and path with ids written as `{id}`, so that calls about different things count as the same route. */
export function routeOf(method: string, path: string): string {
  return `${method} ${path.replace(/\/\d{6,20}(?=\/|$)/g, '/{id}')}`;
}

export class RequestLog {
  readonly #requests: LoggedRequest[] = [];
  readonly #arrivals = new Map<string, number>();
  readonly #routes = new Map<string, number>();
  #servedMs = 0;

  get requests(): readonly LoggedRequest[] {
    return [...this.#requests];
  }

  get calls(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#routes);
  }

  get servedMs(): number {
    return this.#servedMs;
  }

  /** Counts an arriving request; gives how many with this path, and how many to this route, came before. */
  arrive(method: string, path: string): { readonly samePath: number; readonly sameRoute: number } {
    return {
      samePath: countUp(this.#arrivals, `${method} ${path}`),
      sameRoute: countUp(this.#routes, routeOf(method, path)),
    };
  }

  /** A request was with the provider for so long, from its last byte to its answer. */
  took(ms: number): void {
    this.#servedMs += ms;
  }

  add(method: string, path: string, status: number): void {
    this.#requests.push({ at: Date.now(), method, path, status });
    if (this.#requests.length > keptRequests) this.#requests.splice(0, keptRequests / 10);
  }
}

function countUp(counts: Map<string, number>, key: string): number {
  const before = counts.get(key) ?? 0;
  counts.set(key, before + 1);
  return before;
}
