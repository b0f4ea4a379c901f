import { createHash } from 'node:crypto';
import { type Fault, type FaultRequest, type Faults, namedFaults } from './faults.ts';

/** What a plan can do to a request, and how often: a share of the requests, 0 to 1. */
export interface FaultRates {
  /** Somebody else did the same a moment earlier; creations then meet a 409. Only on creations that conflict. */
  readonly rival?: number;
  /** 429 with `Retry-After: 1`. */
  readonly tooMany?: number;
  /** 429 without it. */
  readonly tooManyUntold?: number;
  readonly internal?: number;
  readonly unavailable?: number;
  /** 504 although the request was performed. */
  readonly gatewayTimeout?: number;
  /** Performed, and the connection is cut before the answer. */
  readonly lostReply?: number;
  /** The connection is cut before anything was performed. */
  readonly cut?: number;
  /** No answer at all: the caller's time limit must end it. */
  readonly hang?: number;
  /** The token is revoked: 401 in the middle of a batch. Not on the OIDC endpoints. */
  readonly endToken?: number;
  /** Answered late, by up to `delayMs`. */
  readonly delay?: number;
}

export interface FaultPlanOptions {
  readonly rates: FaultRates;
  /** Which requests may be hit; every request to the management APIs unless said otherwise. */
  readonly routes?: (request: FaultRequest) => boolean;
  /** Longest delay, in milliseconds. Default 30. */
  readonly delayMs?: number;
  /** At most so many requests in a row to one route are hit, so that retries get through. Default 2. */
  readonly atMostInARow?: number;
  /** No more faults after so many. Default: no end. */
  readonly atMost?: number;
}

export interface InjectedFault {
  readonly kind: keyof FaultRates;
  readonly route: string;
  /** The how many-th request to the route this was, from 0. */
  readonly occurrence: number;
}

/** A plan is the provider's fault hook, and keeps a record of what it did. */
export interface FaultPlan extends Faults {
  readonly injected: readonly InjectedFault[];
  /** How often each kind was injected. */
  readonly counts: Readonly<Partial<Record<keyof FaultRates, number>>>;
  /** No fault from here on: the weather clears. */
  calm(): void;
}

const isManagement = ({ path }: FaultRequest): boolean =>
  /^\/(management|auth|admin)\/v1\/|^\/v2(beta)?\/|^\/zitadel\./.test(path);

/** Creations that a second, equal one runs into; a key can be created any number of times. */
const conflicts =
  /^POST (\/management\/v1\/(projects|projects\/\{id\}\/roles(\/_bulk)?|projects\/\{id\}\/apps\/(oidc|api)|users\/machine|users\/\{id\}\/grants|orgs\/me\/members)|\/v2\/users\/new|\/zitadel\.[\w.]+\/(CreateProject|AddProjectRole|CreateAuthorization|CreateApplication|CreateAdministrator))$/;

/**
 * Random faults that depend on the seed, the route and how many requests to it came before, and on nothing else:
 * the same seed does the same to the n-th call of each route, however the calls of a test interleave.
 */
export function faultPlan(seed: number, options: FaultPlanOptions): FaultPlan {
  const {
    rates,
    routes = isManagement,
    delayMs = 30,
    atMostInARow = 2,
    atMost = Number.POSITIVE_INFINITY,
  } = options;
  const injected: InjectedFault[] = [];
  const counts: Partial<Record<keyof FaultRates, number>> = {};
  const inARow = new Map<string, number>();
  let calm = false;

  const choose = (request: FaultRequest, point: number): keyof FaultRates | undefined => {
    let edge = 0;
    for (const kind of kinds) {
      edge += rates[kind] ?? 0;
      if (point < edge) return applies(kind, request) ? kind : undefined;
    }
    return undefined;
  };

  return {
    injected,
    counts,
    calm: () => {
      calm = true;
    },
    before(request) {
      if (calm || injected.length >= atMost || !routes(request)) return undefined;
      const { route, earlierOnRoute: occurrence } = request;
      const [point, extent] = draw(seed, route, occurrence);
      const hits = inARow.get(route) ?? 0;
      const kind = hits >= atMostInARow ? undefined : choose(request, point);
      inARow.set(route, kind === undefined ? 0 : hits + 1);
      if (kind === undefined) return undefined;
      injected.push({ kind, route, occurrence });
      counts[kind] = (counts[kind] ?? 0) + 1;
      return faultOf(kind, Math.ceil(extent * delayMs));
    },
  };
}

const kinds = [
  'rival',
  'tooMany',
  'tooManyUntold',
  'internal',
  'unavailable',
  'gatewayTimeout',
  'lostReply',
  'cut',
  'hang',
  'endToken',
  'delay',
] as const satisfies readonly (keyof FaultRates)[];

function applies(kind: keyof FaultRates, request: FaultRequest): boolean {
  if (kind === 'rival') return conflicts.test(request.route);
  return kind !== 'endToken' || isManagement(request);
}

function faultOf(kind: keyof FaultRates, delayMs: number): Fault {
  switch (kind) {
    case 'rival':
      return 'rival';
    case 'tooMany':
      return namedFaults.tooManyRequests(1);
    case 'tooManyUntold':
      return namedFaults.tooManyRequests();
    case 'internal':
      return namedFaults.internal();
    case 'unavailable':
      return namedFaults.unavailable();
    case 'gatewayTimeout':
      return namedFaults.gatewayTimeout();
    case 'lostReply':
      return 'drop-response';
    case 'cut':
      return 'cut';
    case 'hang':
      return 'hang';
    case 'endToken':
      return 'end-token';
    case 'delay':
      return { delayMs };
  }
}

/** Two numbers in [0, 1) that belong to this request of this plan. */
function draw(seed: number, route: string, occurrence: number): readonly [number, number] {
  const digest = createHash('sha256').update(`${seed} ${route} ${occurrence}`).digest();
  return [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
}
