import { describe, expect, it } from 'vitest';
import { type ProxyWay, proxyName, proxyOfEnvironment, waysOfPac } from './proxy.ts';

const named = (way: ProxyWay): string | undefined =>
  way === 'direct' ? undefined : `${way.protocol}//${proxyName(way)}`;

async function chosen(environment: Record<string, string>, address: string): Promise<string | undefined> {
  const [way = 'direct', ...others] = await proxyOfEnvironment(environment)(new URL(address));
  expect(others).toEqual([]);
  return named(way);
}

describe('the proxy of the environment', () => {
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://p.example:3128' }, 'http://p.example:3128'],
    [{ HTTPS_PROXY: 'http://upper.example', https_proxy: 'lower.example:1' }, 'http://lower.example:1'],
    [{ HTTP_PROXY: 'http://p.example:3128' }, undefined],
    [{ ALL_PROXY: 'https://p.example' }, 'https://p.example:443'],
    [{ HTTPS_PROXY: '' }, undefined],
  ])('%j', async (environment, proxy) => {
    expect(await chosen(environment as Record<string, string>, 'https://id.example')).toBe(proxy);
  });

  it.each([
    ['*', true],
    ['id.example', true],
    ['ID.Example', true],
    ['example', true],
    ['.example', true],
    ['*.example', true],
    ['other, id.example:8443', true],
    ['id.example:443', false],
    ['d.example', false],
    ['id.example.com', false],
    ['', false],
  ])('NO_PROXY=%s', async (exceptions, isDirect) => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const environment = { HTTPS_PROXY: 'p.example:1', [name]: exceptions };
      expect((await chosen(environment, 'https://id.example:8443')) === undefined).toBe(isDirect);
    }
  });

  it.each(['https://localhost', 'https://127.8.0.1:8443', 'http://[::1]:80'])(
    'is not for %s',
    async (loopback) => {
      expect(
        await chosen({ https_proxy: 'p.example:1', http_proxy: 'p.example:1' }, loopback),
      ).toBeUndefined();
    },
  );

  it('that cannot be read is told without what it holds', async () => {
    await expect(chosen({ HTTPS_PROXY: 'http://me:canary@' }, 'https://id.example')).rejects.toThrow(
      /^HTTPS_PROXY is not the address of a proxy\.$/,
    );
  });
});

describe('the proxy of this computer', () => {
  it.each([
    ['DIRECT', [undefined]],
    ['', [undefined]],
    ['PROXY p.example:3128; DIRECT', ['http://p.example:3128', undefined]],
    ['PROXY a.example:1; HTTPS b.example:2;', ['http://a.example:1', 'https://b.example:2']],
    ['HTTPS p.example:3129', ['https://p.example:3129']],
    ['SOCKS5 s.example:1080; PROXY p.example:3128', ['http://p.example:3128']],
    ['SOCKS5 s.example:1080; DIRECT', [undefined]],
  ])('%s', (answer, ways) => {
    expect(waysOfPac(answer).map(named)).toEqual(ways);
  });

  it('of another kind is told', () => {
    expect(() => waysOfPac('SOCKS5 s.example:1080')).toThrow('a proxy of the kind socks5');
  });
});
