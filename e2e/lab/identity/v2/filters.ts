import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { textMatches } from '../management/search.ts';

const defaultLimit = 100;
const maxLimit = 1000;

const textMethod = z
  .enum([
    'TEXT_FILTER_METHOD_EQUALS',
    'TEXT_FILTER_METHOD_EQUALS_IGNORE_CASE',
    'TEXT_FILTER_METHOD_STARTS_WITH',
    'TEXT_FILTER_METHOD_STARTS_WITH_IGNORE_CASE',
    'TEXT_FILTER_METHOD_CONTAINS',
    'TEXT_FILTER_METHOD_CONTAINS_IGNORE_CASE',
    'TEXT_FILTER_METHOD_ENDS_WITH',
    'TEXT_FILTER_METHOD_ENDS_WITH_IGNORE_CASE',
  ])
  .default('TEXT_FILTER_METHOD_EQUALS');

type Predicate<T> = (entry: T) => boolean;
/** A filter of a list by name; the value of its field decides the predicate. */
export type Filter<T> = z.ZodType<Predicate<T>>;
export type Filters<T> = Readonly<Record<string, Filter<T>>>;

/** `{[field], method}` on one text. */
export function textFilter<T>(field: string, of: (entry: T) => string): Filter<T> {
  return z
    .looseObject({ [field]: z.string().max(200).default('') })
    .and(z.looseObject({ method: textMethod }))
    .transform((asked) => (entry: T) => {
      const method = asked.method.replace('_FILTER_', '_QUERY_') as Parameters<typeof textMatches>[2];
      return textMatches(of(entry), String(asked[field]), method);
    });
}

/** `{id}` */
export function idFilter<T>(of: (entry: T) => string, field = 'id'): Filter<T> {
  return z
    .looseObject({ [field]: z.string().min(1).max(200) })
    .transform((asked) => (entry: T) => of(entry) === asked[field]);
}

/** `{ids}` */
export function idsFilter<T>(of: (entry: T) => string): Filter<T> {
  return z.object({ ids: z.array(z.string()).max(1000).default([]) }).transform(
    ({ ids }) =>
      (entry: T) =>
        ids.includes(of(entry)),
  );
}

const listSchema = z.object({
  pagination: z
    .object({
      offset: z.union([z.string().regex(/^\d{1,18}$/), z.int().min(0)]).default(0),
      limit: z.int().min(0).max(4_294_967_295).default(0),
      asc: z.boolean().default(false),
    })
    .nullish(),
  filters: z.array(z.record(z.string(), z.unknown())).max(50).nullish(),
});

export interface Listed<T> {
  readonly page: readonly T[];
  readonly pagination: object;
}

/**
 * One page of the entries that satisfy every filter.
 * @throws {ApiError} 400 for a filter of no known kind, a malformed one, or a limit above 1000.
 */
export function list<T>(entries: readonly T[], message: unknown, filters: Filters<T>): Listed<T> {
  const parsed = listSchema.safeParse(message);
  if (!parsed.success) throw new ApiError(3, 'proto: the list request is malformed');
  const { pagination } = parsed.data;
  const limit = pagination?.limit === undefined || pagination.limit === 0 ? defaultLimit : pagination.limit;
  if (limit > maxLimit) throw new ApiError(3, 'Errors.Query.LimitExceeded', 'QUERY-4M0fs');
  const predicates = (parsed.data.filters ?? []).map((one) => predicateOf(one, filters));
  const matching = entries.filter((entry) => predicates.every((matches) => matches(entry)));
  if (pagination?.asc !== true) matching.reverse();
  const offset = Number(pagination?.offset ?? 0);
  return {
    page: matching.slice(offset, offset + limit),
    pagination: { totalResult: BigInt(matching.length), appliedLimit: BigInt(limit) },
  };
}

function predicateOf<T>(asked: Readonly<Record<string, unknown>>, filters: Filters<T>): Predicate<T> {
  const name = Object.keys(asked).find((key) => Object.hasOwn(filters, key));
  const filter = name === undefined ? undefined : filters[name];
  if (name === undefined || filter === undefined) {
    throw new ApiError(3, 'invalid Filter: value is required', 'FILTER-vR9nC');
  }
  const parsed = filter.safeParse(asked[name]);
  if (!parsed.success) throw new ApiError(3, `proto: invalid value for field ${name}`);
  return parsed.data;
}
