import { z } from 'zod';
import { ApiError } from '../api-error.ts';

const defaultLimit = 100;
const maxLimit = 1000;

const textMethod = z.enum([
  'TEXT_QUERY_METHOD_EQUALS',
  'TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE',
  'TEXT_QUERY_METHOD_STARTS_WITH',
  'TEXT_QUERY_METHOD_STARTS_WITH_IGNORE_CASE',
  'TEXT_QUERY_METHOD_CONTAINS',
  'TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE',
  'TEXT_QUERY_METHOD_ENDS_WITH',
  'TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE',
]);

export type TextMethod = z.output<typeof textMethod>;
export const textMethodField = textMethod.default('TEXT_QUERY_METHOD_EQUALS');

export function textMatches(value: string, wanted: string, method: TextMethod): boolean {
  const fold = (one: string): string => (method.endsWith('_IGNORE_CASE') ? one.toLowerCase() : one);
  const [have, want] = [fold(value), fold(wanted)];
  if (method.includes('STARTS_WITH')) return have.startsWith(want);
  if (method.includes('ENDS_WITH')) return have.endsWith(want);
  if (method.includes('CONTAINS')) return have.includes(want);
  return have === want;
}

/** A predicate over entries for each kind of query; unknown kinds make an empty query, which is an error. */
export interface QueryKind<T> {
  readonly schema: z.ZodType<(entry: T) => boolean>;
}

const pageSchema = z.object({
  query: z
    .object({
      offset: z.union([z.string().regex(/^\d{1,18}$/), z.int().min(0)]).default(0),
      limit: z.int().min(0).max(4_294_967_295).default(0),
      asc: z.boolean().default(false),
    })
    .nullish(),
  queries: z.array(z.record(z.string(), z.unknown())).max(50).nullish(),
});

export interface SearchResult<T> {
  readonly page: readonly T[];
  readonly total: number;
}

/**
 * One page of the entries that satisfy every query.
 * @throws {ApiError} 400 for a query of no known kind, a malformed one, or a limit above 1000.
 */
export function search<T extends { readonly createdAt: number }>(
  entries: readonly T[],
  body: unknown,
  kinds: Readonly<Record<string, QueryKind<T>>>,
): SearchResult<T> {
  const parsed = pageSchema.safeParse(body);
  if (!parsed.success) throw new ApiError(3, 'proto: the search is malformed');
  const { query, queries } = parsed.data;
  const limit = query?.limit === undefined || query.limit === 0 ? defaultLimit : query.limit;
  if (limit > maxLimit) throw new ApiError(3, 'Errors.Query.LimitExceeded', 'QUERY-4M0fs');
  const predicates = (queries ?? []).map((one) => predicateOf(one, kinds));
  const matching = entries.filter((entry) => predicates.every((matches) => matches(entry)));
  if (query?.asc !== true) matching.reverse();
  const offset = Number(query?.offset ?? 0);
  return { page: matching.slice(offset, offset + limit), total: matching.length };
}

function predicateOf<T>(
  query: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, QueryKind<T>>>,
): (entry: T) => boolean {
  const name = Object.keys(query).find((key) => Object.hasOwn(kinds, key));
  const kind = name === undefined ? undefined : kinds[name];
  if (name === undefined || kind === undefined) throw new ApiError(3, 'List query is invalid', 'USER-vR9nC');
  const parsed = kind.schema.safeParse(query[name]);
  if (!parsed.success) throw new ApiError(3, `proto: invalid value for field ${name}`);
  return parsed.data;
}

/** A query on one text of an entry, `{[field], method}`. */
export function textQuery<T>(field: string, of: (entry: T) => string): QueryKind<T> {
  const shape = z
    .looseObject({ [field]: z.string().max(200) })
    .and(z.looseObject({ method: textMethodField }));
  const schema = shape.transform((query) => {
    const wanted = String(query[field]);
    return (entry: T) => textMatches(of(entry), wanted, query.method);
  });
  return { schema };
}

/** A query for an exact value, `{[field]}`. */
export function exactQuery<T>(field: string, of: (entry: T) => string): QueryKind<T> {
  const schema = z
    .looseObject({ [field]: z.string().max(200) })
    .transform((query) => (entry: T) => of(entry) === query[field]);
  return { schema };
}
