import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.ts';
import { parseManifest, readManifest } from './manifest.ts';
import { decodeManifest } from './manifest-text.ts';

describe('CSV', () => {
  const rowsOf = (text: string) => {
    const result = parseCsv(text);
    return result.ok ? result.rows.map((row) => row.fields) : result;
  };

  it.each([
    [
      'plain',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF and no last line break',
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'semicolons',
      'a;b\n1,5;2\n',
      [
        ['a', 'b'],
        ['1,5', '2'],
      ],
    ],
    [
      'tabs',
      'a\tb\n1\t2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a named separator',
      'sep=;\r\na;b\r\n"x,y";2\r\n',
      [
        ['a', 'b'],
        ['x,y', '2'],
      ],
    ],
    [
      'quotes, doubled and with a line break',
      'a,b\n"say ""hi""","1\n2"\n',
      [
        ['a', 'b'],
        ['say "hi"', '1\n2'],
      ],
    ],
    [
      'blanks around, kept inside quotes',
      ' a , b \n " 1 " , 2 \n',
      [
        ['a', 'b'],
        [' 1 ', '2'],
      ],
    ],
    [
      'empty lines',
      'a,b\n\n,\n1,2\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a comma in a quoted head',
      '"a,x,y";b\n1;2\n',
      [
        ['a,x,y', 'b'],
        ['1', '2'],
      ],
    ],
  ])('%s', (_what, text, expected) => {
    expect(rowsOf(text)).toEqual(expected);
  });

  it('counts lines as an editor does, also behind a line break in quotes', () => {
    const result = parseCsv('a,b\n"1\n2",x\n3,4\n');
    expect(result.ok && result.rows.map((row) => row.line)).toEqual([1, 2, 4]);
  });

  it.each([
    ['a,b\n"1,2\n3,4', 2, /never closed/],
    ['a,b\n"1"x,2\n', 2, /follows the closing quote/],
  ])('refuses %j', (text, line, says) => {
    expect(parseCsv(text)).toMatchObject({ ok: false, line, says: expect.stringMatching(says) });
  });

  it('reads back whatever is written by the rules', () => {
    const field = fc.string({ unit: fc.constantFrom(...'ab ,;"\n\té'), maxLength: 8 });
    const row = fc.array(field, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        const filled = rows.filter((fields) => fields.some((text) => text !== ''));
        const text = rows
          .map((fields) => fields.map((part) => `"${part.replaceAll('"', '""')}"`).join(','))
          .join('\r\n');
        expect(rowsOf(text)).toEqual(filled);
      }),
    );
  });
});

describe('a manifest', () => {
  it('is read from CSV, with labels in one column and in columns of their own', () => {
    const text =
      '\ufeffDevice-ID;Target;labels;label.slot\nboard-1;pi@10.0.0.1;group=a, site=b;7\nboard-2;local;;\n';
    expect(parseManifest(text)).toEqual({
      ok: true,
      devices: [
        { device_id: 'board-1', target: 'pi@10.0.0.1', labels: { group: 'a', site: 'b', slot: '7' } },
        { device_id: 'board-2', target: 'local', labels: {} },
      ],
    });
  });

  it.each(['[{"device_id":"a","target":"10.0.0.1"}]', '{"devices":[{"device_id":"a","target":"10.0.0.1"}]}'])(
    'is read from JSON: %s',
    (text) => {
      expect(parseManifest(text)).toMatchObject({
        ok: true,
        devices: [{ device_id: 'a', target: '10.0.0.1' }],
      });
    },
  );

  describe('in another encoding', () => {
    const text = '\ufeffdevice_id\ttarget\tlabel.site\r\nboard-1\t10.0.0.1\tKöln\r\n';
    const inLittle = Buffer.from(text, 'utf16le');

    it.each([
      ['UTF-8', Buffer.from(text)],
      ['UTF-16, as Excel saves Unicode text', inLittle],
      ['UTF-16 of the other byte order', Buffer.from(inLittle).swap16()],
    ])('is read from %s', (_encoding, bytes) => {
      expect(readManifest(bytes)).toMatchObject({ ok: true, devices: [{ labels: { site: 'Köln' } }] });
    });

    const latin1 = (from: string): Buffer => Buffer.from(from, 'latin1');
    it.each([
      ['Latin-1', latin1('device_id,target,label.site\na,h,x\nb,i,Köln\n'), 3, /^line 3 is not UTF-8: save /],
      ['Latin-1 at its end', latin1('device_id,target,label.site\na,h,Köln'), 2, /^line 2 is not UTF-8/],
      ['half a UTF-16', inLittle.subarray(0, -1), 0, /UTF-16/],
      [
        'UTF-16 without its mark',
        Buffer.from('device_id\ttarget\na\th', 'utf16le'),
        0,
        /not UTF-8 text: save/,
      ],
    ])('is refused: %s', (_encoding, bytes, row, says) => {
      expect(readManifest(bytes)).toEqual({
        ok: false,
        problems: [{ row, column: '', says: expect.stringMatching(says) }],
      });
    });

    it('is never guessed: what is UTF-8 comes out as it is', () => {
      const line = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((one) => !/[\0\ufeff]/.test(one));
      fc.assert(
        fc.property(line, (one) => {
          expect(decodeManifest(Buffer.from(one))).toEqual({ ok: true, text: one });
        }),
      );
    });
  });

  const bad: [string, string, [number, string, RegExp][]][] = [
    ['a bad id', 'device_id,target\nBoard,10.0.0.1\n', [[2, 'device_id', /Capital B/]]],
    ['a bad target', 'device_id,target\na,http://x\n', [[2, 'target', /ssh:/]]],
    ['an empty field', 'device_id,target\n,10.0.0.1\n', [[2, 'device_id', /empty/]]],
    [
      'an id twice',
      'device_id,target\na,10.0.0.1\na,10.0.0.2\n',
      [
        [2, 'device_id', /"a"/],
        [3, 'device_id', /"a"/],
      ],
    ],
    ['an address twice, under another login', 'device_id,target\na,x@h\nb,y@h\n', [[3, 'target', /"y@h"/]]],
    ['bad labels', 'device_id,target,labels\na,h,oops\n', [[2, 'labels', /name=value/]]],
    ['a bad label column', 'device_id,target,label.a b\na,h,1\n', [[2, 'label.a b', /not a name/]]],
    [
      'a label in both kinds of column',
      'device_id,target,labels,label.site\na,h,site=a,b\n',
      [[2, 'label.site', /"site" is there twice/]],
    ],
    [
      'a label in both kinds of column, the other one first',
      'device_id,target,label.site,labels\na,h,b,"group=x,site=b"\n',
      [[2, 'labels', /"site" is there twice/]],
    ],
    [
      'a label no object keeps',
      'device_id,target,label.__proto__\na,h,x\n',
      [[2, 'label.__proto__', /not a name/]],
    ],
    [
      'a label no object keeps, in a list',
      'device_id,target,labels\na,h,__proto__=x\n',
      [[2, 'labels', /not a name/]],
    ],
    [
      'a label no object keeps, in JSON',
      '[{"device_id":"a","target":"h","labels":{"__proto__":"x"}}]',
      [[1, 'labels.__proto__', /not a name/]],
    ],
    [
      'a column that every object has',
      'device_id,target,constructor\na,h,x\n',
      [[1, 'constructor', /not known/]],
    ],
    [
      'a key twice in JSON',
      '[{"device_id":"z","target":"y"},\n {"device_id":"a","target":"h","labels":{"s":"1"},\n  "labels":{"s":"2"}}]',
      [[2, 'labels', /twice, again in line 3/]],
    ],
    [
      'a label twice in JSON, in a list with a name',
      '{"devices":[{"device_id":"a","target":"h","labels":{"s":"{,\\"s\\":[","\\u0073":"2"}}]}',
      [[1, 'labels.s', /twice, again in line 1/]],
    ],
    [
      'the list twice in JSON',
      '{"devices":[],"devices":[{"device_id":"a","target":"h"}]}',
      [[0, 'devices', /twice/]],
    ],
    ['a column nobody knows', 'device_id,target,colour\na,h,red\n', [[1, 'colour', /not known/]]],
    ['a missing column', 'device_id\na\n', [[1, 'target', /missing/]]],
    ['a column twice', 'device_id,target,id\na,h,b\n', [[1, 'id', /twice/]]],
    ['more fields than columns', 'device_id,target\na,h,x\n', [[2, '', /3 fields/]]],
    ['nothing in it', 'device_id,target\n', [[0, '', /no device/]]],
    ['no text at all', '', [[0, '', /no device/]]],
    ['broken JSON', '[{', [[0, '', /not JSON/]]],
    ['another kind of JSON', '{"a":1}', [[0, '', /list of devices/]]],
    ['a JSON entry without target', '[{"device_id":"a"}]', [[1, 'target', /missing/]]],
    ['a JSON entry with more', '[{"device_id":"a","target":"h","x":1}]', [[1, 'x', /not known/]]],
    [
      'several problems, all at once',
      'device_id,target\nA,h\nb,:\nc,h2\n',
      [
        [2, 'device_id', /Capital/],
        [3, 'target', /host/],
      ],
    ],
  ];
  it.each(bad)('tells %s with its row and column', (_what, text, expected) => {
    const result = parseManifest(text);
    expect(result.ok ? [] : result.problems.map(({ row, column }) => [row, column])).toEqual(
      expected.map(([row, column]) => [row, column]),
    );
    if (!result.ok)
      result.problems.forEach(({ says }, index) => {
        expect(says).toMatch(expected[index]?.[2] ?? /never/);
      });
  });

  it('takes labels whose names every object has', () => {
    const text = 'device_id,target,labels,label.toString\na,h,constructor=x,y\n';
    expect(parseManifest(text)).toMatchObject({
      devices: [{ labels: { constructor: 'x', toString: 'y' } }],
    });
  });

  it('makes what it quotes printable, and has an end', () => {
    const result = parseManifest('device_id,target\na\u001b[2J,h\n');
    expect(JSON.stringify(result)).not.toContain('\\u001b');
    const many = Array.from({ length: 2001 }, (_value, index) => `a${index},h${index}`).join('\n');
    expect(parseManifest(`device_id,target\n${many}\n`)).toMatchObject({ ok: false });
  });
});
