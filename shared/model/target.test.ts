import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, formatTarget, parseTarget } from './target.ts';

const accepted: [string, string, string][] = [
  ['10.0.0.42', 'ssh://10.0.0.42', '10.0.0.42'],
  ['pi@10.0.0.42', 'ssh://pi@10.0.0.42', '10.0.0.42'],
  ['ssh://pi@board.local:22', 'ssh://pi@board.local', 'board.local'],
  ['pi@board.local:2222', 'ssh://pi@board.local:2222', 'board.local:2222'],
  ['fe80::1', 'ssh://[fe80::1]', '[fe80::1]'],
  ['[fe80::1%eth0]:2200', 'ssh://[fe80::1%eth0]:2200', '[fe80::1%eth0]:2200'],
  ['root@::1', 'ssh://root@[::1]', '[::1]'],
];

const refused: [string, RegExp][] = [
  ['', /host/],
  ['pi@', /host/],
  ['pi:canary@10.0.0.42', /password/],
  ['ssh://pi:canary@10.0.0.42', /password/],
  ['http://10.0.0.42', /ssh:\/\//],
  ['-oProxyCommand=reboot', /host/],
  ['-oProxyCommand=reboot@host', /user name/],
  ['pi@host/path', /host/],
  ['pi@ho st', /host/],
  ["pi@host'; reboot", /host/],
  ['a@b@host', /user name/],
  ['host:0', /port/],
  ['host:65536', /port/],
  ['host:99999', /port/],
  ['host:port', /host/],
];

describe('parseTarget', () => {
  it.each(accepted)('reads %s', (text, formatted, address) => {
    const result = parseTarget(text);
    if (!result.ok) throw new Error(result.says);
    expect(formatTarget(result.target)).toBe(formatted);
    expect(formatAddress(result.target)).toBe(address);
  });

  it.each(refused)('refuses %j', (text, says) => {
    const result = parseTarget(text);
    expect(result.ok ? 'accepted' : result.says).toMatch(says);
    expect(result.ok ? '' : result.says).not.toContain('canary');
  });

  it('reads this computer, and a host of that name only behind ssh://', () => {
    for (const text of ['local', 'local://']) {
      expect(parseTarget(text)).toEqual({ ok: true, target: { kind: 'local' } });
    }
    expect(formatTarget({ kind: 'local' })).toBe('local://');
    expect(formatAddress({ kind: 'local' })).toBe('this computer');
    expect(parseTarget('ssh://local')).toMatchObject({ target: { kind: 'ssh', host: 'local' } });
    expect(parseTarget('local://here').ok).toBe(false);
    expect(parseTarget('pi@local')).toMatchObject({ target: { kind: 'ssh', host: 'local' } });
  });

  it('reads back what it formats', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    const user = fc.option(fc.stringMatching(/^[a-z_][a-z0-9_-]{0,10}$/), { nil: undefined });
    fc.assert(
      fc.property(host, user, fc.integer({ min: 1, max: 65_535 }), (name, login, port) => {
        const target = { kind: 'ssh', user: login, host: name, port } as const;
        expect(parseTarget(formatTarget(target))).toEqual({ ok: true, target });
        const address = parseTarget(formatAddress(target));
        expect(address).toEqual({ ok: true, target: { ...target, user: undefined } });
      }),
    );
  });
});
