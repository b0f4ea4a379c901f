import { EnrollmentError } from '../../errors/enrollment-error.ts';
import { ownEndpoints } from './administration-endpoints.ts';
import { CallFailure } from './call-failure.ts';
import { anything, type Endpoint, type Place } from './endpoints.ts';
import { findOrganisations, type Organisation } from './endpoints-v2.ts';
import { type ApiGeneration, endpointIn } from './generation.ts';
import {
  createManagementCaller,
  type ManagementCaller,
  type ManagementCallerOptions,
} from './management-caller.ts';
import { once } from './once.ts';

export interface ZitadelCallerOptions extends ManagementCallerOptions {
  /** `probe` asks the server once and takes the newest it has. */
  readonly api?: ApiGeneration | 'probe';
}

/** Makes calls in the generation of the API that the server has, whatever it is. */
export interface ZitadelCaller extends ManagementCaller {
  /**
   * The organisation things are made in: that of the profile, or the account's own.
   * @throws IDENTITY_ORGANISATION_UNKNOWN, IDENTITY_ROLE_MISSING
   */
  organisation(signal: AbortSignal): Promise<Organisation>;
  /** The account's own organisation, and what its rights showed of the server, are asked for anew. */
  forgetSignIn(): void;
  /** Which API is spoken with this server. */
  generation(signal: AbortSignal): Promise<ApiGeneration>;
}

/** What a server answers that knows of a service and has not got it; one that does not know it answers 404. */
const NOT_IMPLEMENTED = new Set([405, 501]);

/** Refused or not, only a server that has the second generation answers this in Connect's way. */
const probe: Endpoint<object, object> = {
  action: 'list projects',
  method: 'POST',
  path: () => 'zitadel.project.v2.ProjectService/ListProjects',
  body: () => ({ pagination: { limit: 1 } }),
  reply: anything,
  repeat: 'safe',
};

interface Spoken {
  readonly generation: ApiGeneration;
  readonly place: Place;
}

export function createZitadelCaller(options: ZitadelCallerOptions): ZitadelCaller {
  const { identity, logger, api = 'v1' } = options;
  const { issuer, org_id: orgId } = identity;
  const caller = createManagementCaller(options);

  async function generationOfServer(signal: AbortSignal): Promise<ApiGeneration> {
    if (api !== 'probe') return api;
    const expected = ['not-found', 'not-served', 'not-allowed', 'organisation-unknown', 'other'] as const;
    try {
      const answer = await caller.call(probe, {}, { signal, expected });
      if (!(answer instanceof CallFailure)) return 'v2';
      const isServed = answer.kind !== 'not-served' && !NOT_IMPLEMENTED.has(answer.status);
      return answer.isConnect && isServed ? 'v2' : 'v1';
    } catch (thrown) {
      // A page of a proxy in place of an answer: the calls themselves tell what is wrong.
      if (thrown instanceof EnrollmentError && thrown.code === 'IDENTITY_REPLY_UNREADABLE') return 'v1';
      throw thrown;
    }
  }

  async function organisation(signal: AbortSignal): Promise<Organisation> {
    // The one call of the first generation that has no successor and stays.
    const expected = ['not-found', 'not-served'] as const;
    const own = await caller.call(ownEndpoints.organisation, {}, { signal, expected });
    if (!(own instanceof CallFailure)) return own.org;
    const found = await caller.call(findOrganisations, { orgId }, { signal });
    const [first, ...others] = found instanceof CallFailure ? [] : found.result;
    if (first !== undefined && others.length === 0) return first;
    throw new EnrollmentError('IDENTITY_ORGANISATION_UNKNOWN', {
      details: { orgId: orgId ?? 'of its own' },
      subject: issuer,
      evidence: own.evidence,
    });
  }

  async function learn(signal: AbortSignal): Promise<Spoken> {
    const generation = await generationOfServer(signal);
    if (generation === 'v1' || orgId !== undefined) return { generation, place: { orgId } };
    logger.log('info', 'identity-api', { generation });
    return { generation, place: { orgId: (await organisation(signal)).id } };
  }

  const spoken = once(learn);

  return {
    organisation,
    forgetSignIn: () => spoken.forget(),
    generation: async (signal) => (await spoken.ask(signal)).generation,
    call: async (endpoint, input, callOptions) => {
      const { generation, place } = await spoken.ask(callOptions.signal);
      return caller.call(endpointIn(generation, endpoint), input, { ...callOptions, place });
    },
  };
}
