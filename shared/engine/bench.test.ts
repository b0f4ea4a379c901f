import { describe, expect, it } from 'vitest';
import { Bench, type BenchRow, viewBench } from './bench.ts';

function view(rows: readonly (readonly [string, string])[]) {
  const benchRows = rows.map(
    ([deviceId, target], index): BenchRow => ({ rowId: `row-${index + 1}`, deviceId, target }),
  );
  return viewBench(benchRows, () => undefined);
}

describe('the bench', () => {
  it('finds nothing wrong with good rows and shows their addresses', () => {
    const rows = view([
      ['board-1', 'pi@10.0.0.1'],
      ['board-2', '[fe80::1]:2222'],
    ]);
    expect(rows.map((row) => row.problem)).toEqual([undefined, undefined]);
    expect(rows.map((row) => row.address)).toEqual(['10.0.0.1', '[fe80::1]:2222']);
    expect(rows.map((row) => row.target)).toEqual(['ssh://pi@10.0.0.1', 'ssh://[fe80::1]:2222']);
  });

  it('marks the place in an id that is not valid', () => {
    const [row] = view([['board_1', '10.0.0.1']]);
    expect(row).toMatchObject({ problem: { code: 'DEVICE_ID_INVALID' }, problemPosition: 6 });
  });

  it('marks both of two devices with one id, but not two that still have none', () => {
    const codes = view([
      ['a', 'h1'],
      ['b', 'h2'],
      ['a', 'h3'],
      ['', 'h4'],
      ['', 'h5'],
    ]).map((row) => row.problem?.code);
    expect(codes).toEqual([
      ...['DEVICE_ID_DUPLICATE', undefined, 'DEVICE_ID_DUPLICATE'],
      ...['DEVICE_ID_INVALID', 'DEVICE_ID_INVALID'],
    ]);
  });

  it('knows one address under other spellings and another login', () => {
    const rows = view([
      ['a', 'ssh://pi@board.local:22'],
      ['b', 'admin@BOARD.local'],
      ['c', 'board.local:2222'],
    ]);
    expect(rows.map((row) => row.problem?.code)).toEqual([undefined, 'DEVICE_TARGET_DUPLICATE', undefined]);
    expect(rows[1]?.problem?.says).toBe('BOARD.local is on the Bench already, as a.');
  });

  it('refuses an address with a password and does not repeat it in the error', () => {
    const [row] = view([['a', 'pi:canary-password@10.0.0.1']]);
    expect(row?.problem?.code).toBe('DEVICE_TARGET_INVALID');
    expect(JSON.stringify(row?.problem)).not.toContain('canary-password');
  });

  it('stays quick with 2,000 rows: it looks at each a few times, and at none for every other one', () => {
    let looks = 0;
    const look = (text: string) => {
      looks += 1;
      return text;
    };
    const rows = Array.from(
      { length: 2000 },
      (_value, index): BenchRow => ({
        rowId: `row-${index}`,
        get deviceId() {
          return look(`d${index}`);
        },
        get target() {
          return look(`h${index}`);
        },
      }),
    );
    expect(viewBench(rows, () => undefined).every((row) => row.problem === undefined)).toBe(true);
    expect(looks).toBeLessThan(2000 * 20);
  });

  it('keeps a row’s own name while its id is edited, and never gives it out again', () => {
    let changes = 0;
    const bench = new Bench([{ device_id: 'a', target: 'h1' }], () => {
      changes += 1;
    });
    const added = bench.add('b', 'h2');
    bench.rename(added, 'c');
    expect(bench.rows.map((row) => [row.rowId, row.deviceId])).toEqual([
      ['row-1', 'a'],
      [added, 'c'],
    ]);
    bench.remove(added);
    expect(bench.add('d', 'h3')).not.toBe(added);
    expect(changes).toBe(4);
  });
});
