import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sshString } from '../wire/ssh-bytes.ts';
import { matchesPattern, matchesPatterns } from './host-pattern.ts';
import { parseKnownHosts } from './known-hosts.ts';

const blobOf = (type: string, text: string): Buffer => Buffer.concat([sshString(type), sshString(text)]);
const line = (hosts: string, text: string, type = 'ssh-ed25519') =>
  `${hosts} ${type} ${blobOf(type, text).toString('base64')} comment`;
const textsOf = (keys: readonly { readonly blob: Buffer }[]) =>
  keys.map(({ blob }) => blob.subarray(-3).toString());

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 7);
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

describe('known hosts', () => {
  const hosts = parseKnownHosts(
    [
      '# a comment',
      '',
      line('board-1,10.0.0.1', 'one'),
      line('[board-1]:2222', 'alt'),
      line('*.plant.example,!bad.plant.example', 'two'),
      line(hashed('board-3'), 'thr'),
      line(hashed('[board-3]:2222'), 'prt'),
      `@revoked ${line('*', 'rev')}`,
      `@cert-authority ${line('*.ca.example', 'aut')}`,
      line('board-1', 'rsa', 'ssh-rsa'),
      'board-9 ssh-ed25519 not-base64!',
      line('board-9', 'xxx').replace('ssh-ed25519 ', 'ssh-rsa '),
      `@unknown ${line('board-9', 'yyy')}`,
      'board-9',
      '|2|x|y ssh-ed25519 AAAA',
    ].join('\r\n'),
  );

  it('finds names, addresses, ports, wildcards and hashed names', () => {
    expect(textsOf(hosts.of('board-1').keys)).toEqual(['one', 'rsa']);
    expect(hosts.of('board-1').keys.map((key) => key.keyType)).toEqual(['ssh-ed25519', 'ssh-rsa']);
    expect(textsOf(hosts.of('10.0.0.1').keys)).toEqual(['one']);
    expect(textsOf(hosts.of('[board-1]:2222').keys)).toEqual(['alt']);
    expect(textsOf(hosts.of('BOARD-3').keys)).toEqual(['thr']);
    expect(textsOf(hosts.of('[board-3]:2222').keys)).toEqual(['prt']);
    expect(textsOf(hosts.of('x.plant.example').keys)).toEqual(['two']);
    expect(hosts.of('bad.plant.example').keys).toEqual([]);
    expect(hosts.of('board-2').keys).toEqual([]);
  });

  it('knows what is revoked everywhere, and where an authority vouches', () => {
    expect(textsOf(hosts.of('anything').revoked)).toEqual(['rev']);
    expect(hosts.of('a.ca.example').hasAuthority).toBe(true);
    expect(hosts.of('a.ca.example').keys).toEqual([]);
    expect(hosts.of('board-1').hasAuthority).toBe(false);
  });

  it('passes over lines it cannot read, and says which', () => {
    expect(hosts.unreadableLines).toEqual([11, 12, 13, 14, 15]);
    expect(hosts.of('board-9').keys).toEqual([]);
  });

  it('never throws, whatever the file holds', () => {
    const word = fc.constantFrom(
      '@revoked',
      '@cert-authority',
      '*',
      '|1|',
      '|1|a|b',
      'ssh-ed25519',
      'AAAA',
      '!',
      '[x]:1',
    );
    const anyLine = fc.array(fc.oneof(word, fc.string()), { maxLength: 5 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(anyLine), fc.string(), (lines, name) => {
        const parsed = parseKnownHosts(lines.join('\n'));
        expect(Array.isArray(parsed.of(name).keys)).toBe(true);
      }),
    );
  });
});

describe('patterns', () => {
  /** The same rule as a regular expression, which is simple and may be slow. */
  const slow = (text: string, pattern: string) =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '[^]*')
        .replaceAll('?', '[^]')}$`,
      'i',
    ).test(text);

  it('match as the expression of the same meaning does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '-'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 8 });
    fc.assert(
      fc.property(text, pattern, (subject, wanted) => {
        expect(matchesPattern(subject, wanted)).toBe(slow(subject, wanted));
      }),
      { numRuns: 2000 },
    );
  });

  it('take no more than a moment, however many stars there are', () => {
    const before = performance.now();
    expect(matchesPattern('a'.repeat(2000), `${'*a'.repeat(500)}b`)).toBe(false);
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('exclude what stands behind an exclamation mark, wherever it stands', () => {
    expect(matchesPatterns('a.b', ['*.b', '!a.*'])).toBe(false);
    expect(matchesPatterns('a.b', ['!a.*', '*.b'])).toBe(false);
    expect(matchesPatterns('c.b', ['!a.*', '*.b'])).toBe(true);
    expect(matchesPatterns('c.b', ['!a.*'])).toBe(false);
  });
});
