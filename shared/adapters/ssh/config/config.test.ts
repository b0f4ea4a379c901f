import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, type Include, parseConfig } from './parse-config.ts';
import type { LoadedConfig } from './read-config.ts';
import { type HostQuestion, type HostSettings, resolveHost } from './resolve-host.ts';

const ask = (
  text: string,
  question: Partial<HostQuestion> = {},
  includes: Record<string, string> = {},
): HostSettings =>
  resolveHost(load(text, includes), {
    ...{
      host: 'board-1',
      user: undefined,
      port: undefined,
      defaultUser: 'pi',
      localUser: 'op',
      home: '/home/op',
    },
    ...question,
  });

function load(text: string, includes: Record<string, string> = {}): LoadedConfig {
  const blocks = parseConfig(text);
  const included = new Map<Include, readonly LoadedConfig[]>();
  for (const entry of blocks.flatMap((block) => block.entries)) {
    if (entry.kind === 'include')
      included.set(
        entry,
        entry.patterns.map((name) => load(includes[name] ?? '', includes)),
      );
  }
  return { path: 'config', blocks, included };
}

function problemOf(text: string, question: Partial<HostQuestion> = {}): string {
  try {
    ask(text, question);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'STATION_SSH_CONFIG_UNUSABLE' });
    return String((thrown as { details: { problem: unknown } }).details.problem);
  }
  return 'none';
}

describe('a host of a configuration', () => {
  it('takes the first value of each keyword, and all identity files', () => {
    const found = ask(`
      Host board-*
        HostName %h.plant.example
        User first
        IdentityFile ~/.ssh/bench
      Host *
        User second
        Port 2222
        IdentityFile /etc/keys/%r-%h
        IdentitiesOnly yes
    `);
    expect(found).toMatchObject({
      ...{ hostName: 'board-1.plant.example', user: 'first', port: 2222, identitiesOnly: true },
      identityFiles: ['/home/op/.ssh/bench', '/etc/keys/first-board-1.plant.example'],
    });
  });

  it('reads keywords in any case, with = and quotes and comments', () => {
    const found = ask(
      '# comment\nHOST "board-1"  # and one here\nhostname=10.0.0.1\n\tUser = "an na"\nPort=23\n',
    );
    expect(found).toMatchObject({ hostName: '10.0.0.1', user: 'an na', port: 23 });
  });

  it('is none of those behind an exclamation mark', () => {
    const text = 'Host * !board-1\n User other\n';
    expect(ask(text).user).toBeUndefined();
    expect(ask(text, { host: 'board-2' }).user).toBe('other');
  });

  it('puts what the target says before the configuration', () => {
    expect(ask('Host *\n User x\n Port 9\n', { user: 'me', port: 2022 })).toMatchObject({
      user: 'me',
      port: 2022,
    });
  });

  it('follows Match as far as it concerns the host and the user', () => {
    const text = `
      Host board-1
        HostName real.example
      Match host real.example user pi
        Port 1001
      Match originalhost board-1,other !user root
        HostKeyAlias the-board
      Match all
        AddressFamily inet6
      Match final
        Port 9
      Match canonical host *
        Port 9
    `;
    expect(ask(text)).toMatchObject({ port: 1001, hostKeyAlias: 'the-board', family: 6 });
    expect(ask(text, { user: 'root' })).toMatchObject({ port: undefined, hostKeyAlias: undefined });
  });

  it('reads included files where they stand, within the block they stand in', () => {
    const includes = { inner: 'Port 1\nHost board-2\n Port 2\n', outer: 'User fromfile\n' };
    expect(ask('Host board-*\n Include inner\nInclude outer\n', {}, includes)).toMatchObject({
      port: 1,
      user: 'fromfile',
    });
    expect(ask('Host x\n Include inner\n', {}, includes).port).toBeUndefined();
    // A Host line of an included file ends with the file.
    expect(ask('Include inner\nUser after\n', { host: 'y' }, includes)).toMatchObject({
      port: 1,
      user: 'after',
    });
  });

  it('goes through jump hosts, in order, unless none is said first', () => {
    const jumps = (text: string) => ask(text).proxyJump;
    expect(jumps('ProxyJump ops@a:22,[::1]:23\n')).toEqual(['ops@a:22', '[::1]:23']);
    expect(jumps('Host board-1\n ProxyJump none\nHost *\n ProxyJump a\n')).toEqual([]);
    expect(jumps('User x\n')).toBeUndefined();
  });

  it('knows of which agent it may ask', () => {
    const agent = (text: string) => ask(`IdentityAgent ${text}\n`).identityAgent;
    expect(agent('none')).toBe('none');
    expect(agent('SSH_AUTH_SOCK')).toBeUndefined();
    expect(agent('~/.agent/%r.sock')).toBe('/home/op/.agent/pi.sock');
  });
});

describe('what cannot be followed', () => {
  it.each([
    ['ProxyCommand nc %h %p\n', /ProxyCommand is not supported/],
    ['Match exec "test -f /x"\n Port 23\n', /line 1: Match exec is not supported/],
    ['Match host board-1 localnetwork 10.0.0.0\\/8\n User x\n', /Match localnetwork is not supported/],
    ['CanonicalizeHostname yes\n', /canonicalizehostname "yes" is not supported/],
    ['BindAddress 10.0.0.1\n', /bindaddress/],
    [`HostName ${'$'}{BOARD}\n`, /environment/],
    ['HostName %C\n', /"%C" in "%C" is not supported/],
    ['Port ssh\n', /"ssh" is not a port/],
    ['Port 70000\n', /is not a port/],
  ])('is told: %s', (text, problem) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it('is not told where it does not concern this host, or not the way to it', () => {
    expect(problemOf('Host other\n ProxyCommand nc %h %p\n')).toBe('none');
    expect(problemOf('Match host other exec true\n Port 23\n')).toBe('none');
    expect(problemOf('Match exec true\n ForwardX11 yes\n')).toBe('none');
    expect(problemOf('ProxyCommand none\n')).toBe('none');
    expect(problemOf('ProxyJump a\nProxyCommand nc %h %p\n')).toBe('none');
    expect(problemOf('CanonicalizeHostname no\nCiphers x\nForwardAgent yes\nSendEnv LANG\n')).toBe('none');
  });

  it('is a line without a value', () => {
    expect(() => parseConfig('User x\nPort\n')).toThrow(/line 2: Port has no value/);
    expect(() => parseConfig('User "open\n')).toThrow(/line 1: cannot be read/);
  });
});

describe('any text', () => {
  const piece = fc.constantFrom(
    ...[
      'Host',
      'Match',
      'Include',
      'HostName',
      'Port',
      '=',
      '"',
      '\n',
      ' ',
      '\\',
      '*',
      '!',
      '#',
      'all',
      '22',
      '%h',
    ],
  );
  it('is parsed or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 }))), (parts) => {
        try {
          parseConfig(parts.join(''));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives back the words it was written with', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9/._%:,-]{1,12}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), fc.boolean(), (words, quoted) => {
        const text = words.map((one) => (quoted ? `"${one}"` : one)).join('  ');
        const [block] = parseConfig(`sendenv ${text}`);
        expect(block?.entries[0]).toMatchObject({ keyword: 'sendenv', args: words });
      }),
    );
  });
});
