/** One request as the fault hook sees it, before the provider acts on it. */
export interface FaultRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as text; forms and JSON are left unparsed. */
  readonly body: string;
  /** How many requests with this method and path came before this one. */
  readonly earlier: number;
}

/**
 * What to do to a request instead of, or before, answering it.
 * `drop-response` performs the request and then destroys the socket: the caller cannot know that it worked.
 */
export type Fault =
  | 'drop-response'
  | { readonly delayMs: number }
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface Faults {
  before(request: FaultRequest): Fault | undefined | Promise<Fault | undefined>;
}
