import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../api-error.ts';
import { gatewayJson } from './gateway-json.ts';
import { search, textMatches, textQuery } from './search.ts';

const entries = Array.from({ length: 250 }, (_, index) => ({ createdAt: index, name: `n${index}` }));
const kinds = { nameQuery: textQuery<(typeof entries)[number]>('name', (entry) => entry.name) };

describe('search', () => {
  it('gives 100 entries, newest first, when nothing is asked', () => {
    const { page, total } = search(entries, {}, kinds);
    expect([page.length, total, page[0]?.name]).toEqual([100, 250, 'n249']);
  });

  it('visits every entry once when paged through, whatever the page size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.boolean(), (limit, asc) => {
        const seen: string[] = [];
        for (let offset = 0; offset < 250; offset += limit) {
          const { page } = search(entries, { query: { offset: String(offset), limit, asc } }, kinds);
          seen.push(...page.map((entry) => entry.name));
        }
        expect([...seen].sort()).toEqual(entries.map((entry) => entry.name).sort());
      }),
    );
  });

  it('joins queries with AND', () => {
    const starts = { nameQuery: { name: 'n1', method: 'TEXT_QUERY_METHOD_STARTS_WITH' } };
    const ends = { nameQuery: { name: '7', method: 'TEXT_QUERY_METHOD_ENDS_WITH' } };
    expect(search(entries, { queries: [starts, ends] }, kinds).total).toBe(11);
  });

  it.each([
    ['a limit above 1000', { query: { limit: 1001 } }],
    ['an unknown kind', { queries: [{ nickQuery: { name: 'x' } }] }],
    ['a name of the prototype', { queries: [{ constructor: {} }] }],
    ['an unknown method', { queries: [{ nameQuery: { name: 'x', method: 'LIKE' } }] }],
    ['a negative offset', { query: { offset: '-1' } }],
    ['something else than an object', 'x'],
  ])('refuses %s', (_what, body) => {
    expect(() => search(entries, body, kinds)).toThrow(ApiError);
  });

  it.each([
    ['TEXT_QUERY_METHOD_EQUALS', 'Device', false],
    ['TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE', 'DEVICE', true],
    ['TEXT_QUERY_METHOD_STARTS_WITH', 'dev', true],
    ['TEXT_QUERY_METHOD_ENDS_WITH_IGNORE_CASE', 'ICE', true],
    ['TEXT_QUERY_METHOD_CONTAINS', 'evi', true],
    ['TEXT_QUERY_METHOD_CONTAINS', 'EVI', false],
  ] as const)('%s "%s" on "device": %s', (method, wanted, expected) => {
    expect(textMatches('device', wanted, method)).toBe(expected);
  });
});

describe('gateway JSON', () => {
  it('leaves zero values out at every depth and keeps empty messages', () => {
    const zeros = { a: '', b: 0, c: 0n, d: false, e: [], f: undefined };
    expect(gatewayJson({ ...zeros, g: { ...zeros, h: 7n }, i: {}, j: [{ a: '' }] })).toEqual({
      g: { h: '7' },
      i: {},
      j: [{}],
    });
  });
});
