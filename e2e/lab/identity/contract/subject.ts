import { randomBytes } from 'node:crypto';
import { HANGS_AFTER_MS, unlessItHangs } from '#shared/testing/patience.ts';
import { startTestLab } from '../lab-testkit.ts';

/** One of the providers the contract is held against, reached by raw HTTP alone. */
export interface Subject {
  readonly issuer: string;
  /** Organisation in which things are made, under names that begin with `prefix`. */
  readonly orgId: string;
  readonly prefix: string;
  /** Calls with the token of an IAM_OWNER or ORG_OWNER and the organisation's header. */
  readonly ask: Ask;
  /** Calls with another token, or without one. */
  as(token: string | undefined): Ask;
  /** Posts a form to an OIDC endpoint. */
  form(path: string, fields: Readonly<Record<string, string>>, authorization?: string): Promise<Answer>;
  /** Has this deleted at the end, last made first. Deleting what is gone already is no failure. */
  deleteAfterwards(path: string): void;
  /** Deletes what was made and ends what was started. @throws when something stayed behind */
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown;
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

/** Where a real Zitadel is, if the environment names one. */
export interface RealZitadel {
  readonly url: string;
  readonly pat: string;
}

export function realZitadel(): RealZitadel | undefined {
  const { MUSTER_ZITADEL_URL: url, MUSTER_ZITADEL_PAT: pat } = process.env;
  return url === undefined || url === '' || pat === undefined || pat === ''
    ? undefined
    : { url: new URL(url).origin, pat };
}

/** Subjects by name: always the lab, and the real Zitadel when the environment names one. */
export const subjects: readonly (readonly [name: string, open: () => Promise<Subject>])[] = [
  ['the lab', openLab] as const,
  ...(realZitadel() === undefined ? [] : [['a real Zitadel', openReal] as const]),
];

async function openLab(): Promise<Subject> {
  const lab = await startTestLab({ searchLagMs: 60 });
  return subject({ url: lab.issuer, pat: lab.instanceToken }, lab.orgId, () => lab.stop());
}

async function openReal(): Promise<Subject> {
  const real = realZitadel();
  if (real === undefined) throw new Error('MUSTER_ZITADEL_URL and MUSTER_ZITADEL_PAT are not set');
  const mine = await asker(real.url, real.pat, {})('GET', '/management/v1/orgs/me');
  return subject(real, process.env.MUSTER_ZITADEL_ORG ?? textOf(mine, 'org', 'id'), async () => undefined);
}

function subject({ url, pat }: RealZitadel, orgId: string, stop: () => Promise<void>): Subject {
  const inOrg = { 'x-zitadel-orgid': orgId };
  const ask = asker(url, pat, inOrg);
  const toDelete: string[] = [];
  return {
    issuer: url,
    orgId,
    prefix: `muster-contract-${randomBytes(4).toString('hex')}`,
    ask,
    as: (token) => asker(url, token, {}),
    form: (path, fields, authorization) => postForm(url + path, fields, authorization),
    deleteAfterwards: (path) => void toDelete.unshift(path),
    async close() {
      const stayed: string[] = [];
      for (const path of toDelete) {
        const { status } = await ask('DELETE', path);
        if (status !== 200 && status !== 404) stayed.push(`${path}: ${status}`);
      }
      await stop();
      if (stayed.length > 0) throw new Error(`the contract left things behind:\n${stayed.join('\n')}`);
    },
  };
}

function asker(url: string, token: string | undefined, fixed: Readonly<Record<string, string>>): Ask {
  return async (method, path, body, headers = {}) => {
    const authorization: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...authorization, ...fixed, ...headers },
      signal: unlessItHangs(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  };
}

async function postForm(
  url: string,
  fields: Readonly<Record<string, string>>,
  authorization: string | undefined,
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    signal: unlessItHangs(),
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });
  return answerOf(response);
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

/** What is at this path of the answer, or undefined. */
export function at(answer: Answer, ...path: readonly (string | number)[]): unknown {
  let value: unknown = answer.body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[String(key)];
  }
  return value;
}

/** The text at this path. @throws with the whole answer when there is none. */
export function textOf(answer: Answer, ...path: readonly (string | number)[]): string {
  const value = at(answer, ...path);
  if (typeof value === 'string') return value;
  throw new Error(`no text at ${path.join('.')}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Asks again until the answer is as wanted; searches lag behind writes. @throws with the last answer */
export async function eventually(
  ask: () => Promise<Answer>,
  wanted: (answer: Answer) => boolean,
): Promise<Answer> {
  const until = Date.now() + HANGS_AFTER_MS;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > until) throw new Error(`still ${answer.status} ${JSON.stringify(answer.body)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** `result` of a v1 search, a list of objects; empty when there is none. */
export function results(answer: Answer, field = 'result'): readonly Readonly<Record<string, unknown>>[] {
  const value = at(answer, field);
  return Array.isArray(value) ? (value as Readonly<Record<string, unknown>>[]) : [];
}
