/** One request as the fault hook sees it, before the provider acts on it. */
export interface FaultRequest {
  readonly method: string;
  readonly path: string;
  /** Method and path with ids as `{id}`: `POST /management/v1/users/{id}/keys`. */
  readonly route: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as text; forms and JSON are left unparsed. */
  readonly body: string;
  /** How many requests with this method and path came before this one. */
  readonly earlier: number;
  /** How many requests to this route came before this one. */
  readonly earlierOnRoute: number;
}

/** An answer in place of the provider's. */
export interface FaultReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request is performed all the same; a proxy in between answers for it. Default false. */
  readonly afterEffect?: boolean;
}

/**
 * What to do to a request instead of, or before, answering it.
 * - `drop-response` performs the request and then destroys the socket: the caller cannot know that it worked.
 * - `cut` destroys the socket without performing it.
 * - `hang` never answers; the caller's own limit has to end it.
 * - `end-token` revokes the token it came with first, so that the answer is the provider's own 401. A personal
 *   access token stays, and the request is answered as if nothing had happened.
 * - `rival` performs it twice and answers the second time: somebody else was a moment earlier.
 */
export type Fault =
  | 'drop-response'
  | 'cut'
  | 'hang'
  | 'end-token'
  | 'rival'
  | { readonly delayMs: number }
  | FaultReply;

export interface Faults {
  before(request: FaultRequest): Fault | undefined | Promise<Fault | undefined>;
}

/** Faults with the bodies that a real server or the proxy before it gives. */
export const namedFaults = {
  /** Zitadel Cloud's limit, or an exhausted quota; there is no promise of a `Retry-After`. */
  tooManyRequests: (retryAfterSeconds?: number): FaultReply => ({
    status: 429,
    body: { code: 8, message: 'Errors.Quota.Access.Exhausted (QUOTA-vjAy8)' },
    ...(retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(retryAfterSeconds) } }),
  }),
  /** The server's own 500. */
  internal: (): FaultReply => ({ status: 500, body: { code: 13, message: 'Errors.Internal (SQL-KyeAx)' } }),
  /** A proxy that finds no server behind it: HTML, not JSON. */
  unavailable: (): FaultReply => ({
    status: 503,
    body: '<html><body><h1>503 Service Unavailable</h1></body></html>',
    headers: { 'content-type': 'text/html' },
  }),
  /** A proxy that gave up waiting while the server was still at it: the effect happens. */
  gatewayTimeout: (): FaultReply => ({
    status: 504,
    body: '<html><body><h1>504 Gateway Time-out</h1></body></html>',
    headers: { 'content-type': 'text/html' },
    afterEffect: true,
  }),
  /** Answer to a poll of the device grant. */
  slowDown: (): FaultReply => ({ status: 400, body: { error: 'slow_down' } }),
} as const;
