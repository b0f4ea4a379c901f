import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { providerPage } from './provider-page.ts';

const issuer = 'https://login.example.com';

/** Everything that could make a browser, or another program, do what was not meant. */
const foreignSchemes = [
  'file',
  'smb',
  'ftp',
  'sftp',
  'ssh',
  'telnet',
  'ldap',
  'gopher',
  'javascript',
  'data',
  'blob',
  'vbscript',
  'about',
  'chrome',
  'devtools',
  'view-source',
  'filesystem',
  'muster',
  'ws',
  'wss',
  'mailto',
  'tel',
  'sms',
  'vscode',
  'vscode-insiders',
  'cursor',
  'jetbrains',
  'ms-settings',
  'ms-msdt',
  'ms-officecmd',
  'ms-word',
  'ms-excel',
  'search-ms',
  'shell',
  'steam',
  'zoommtg',
  'slack',
  'intent',
  'android-app',
  'itms-services',
  'x-apple.systempreferences',
  'facetime',
  'git',
  'svn',
  'magnet',
  'irc',
  'nfs',
  'dav',
  'webcal',
  'feed',
  'jar',
  'http',
  'HTTP',
  'hTTpx',
  'https-',
  'xhttps',
];
const foreignHosts = [
  'evil.example',
  'login.example.com.evil.example',
  'evil-login.example.com',
  'login.example.co',
  'login.example.comm',
  'example.com',
  'xlogin.example.com',
  'login.example.com.',
  'login.example.com:444',
  'login.example.com:80',
  'login.example.com@evil.example',
  'login.example.com:x@evil.example',
  'evil.example@login.example.com',
  ':@login.example.com',
  '@login.example.com',
  'login%2eexample%2ecom.evil.example',
  'login.example.com%00.evil.example',
  'login.example.com%2f.evil.example',
  'login.example.com\\.evil.example',
  'login.example.com#@evil.example:',
  'logín.example.com',
  'ⅼogin.example.com',
  'login。evil.example',
  '127.0.0.1',
  'localhost',
  '[::1]',
  '0',
  '0x7f.1',
  '2130706433',
  '[::ffff:127.0.0.1]',
  '',
  '*',
  '-',
  'login_example.com',
  'login example.com',
  'xn--login-.example.com',
  'LOGIN.EXAMPLE.COM.evil.example',
];
const brokenForms = [
  '',
  ' ',
  'https',
  'https:',
  'https:/',
  'https://',
  'https:///',
  'https:///login.example.com/',
  'https:login.example.com/x',
  'https:/login.example.com/x',
  'https:\\\\login.example.com\\x',
  'https://\\login.example.com/',
  '//login.example.com/x',
  '\\\\login.example.com\\share',
  '/device',
  'login.example.com/device',
  ' https://login.example.com/',
  'https://login.example.com/ ',
  'https://login.example.com/\n',
  'https://login.example.com/\r\nx',
  'https://login.example.com/\tx',
  'ht\ntps://login.example.com/',
  'https://login.exa\tmple.com/',
  'https://login.example.com/\u0000',
  'https://login.example.com/\u001b[2J',
  'https://login.example.com/\u007f',
  'https://login.example.com/\u202egnp.exe',
  'https://login.example.com/\u200b',
  'https://login.example.com/é',
  'https://login.example.com/"x',
  "https://login.example.com/'x`y",
  'https://login.example.com/<x>',
  'https://login.example.com/a b',
  'https://login.example.com/{x}',
  'https://login.example.com/a|b',
  'https://login.example.com/a^b',
  'https://login.example.com\\@evil.example/',
  'https://login.example.com:0443x/',
  'https://login.example.com:99999/',
  'https://[login.example.com]/',
  'https://login.example.com/'.padEnd(2049, 'x'),
  'javascript://login.example.com/%0aalert(1)',
  'javascript:https://login.example.com/',
  'file://login.example.com/share',
  'smb://login.example.com/x',
  'url=https://login.example.com/',
  '"https://login.example.com/"',
  '--new-window https://login.example.com',
  '-https://login.example.com/',
  'https://login.example.com/;rm -rf',
  'https://login.example.com/$(id) x',
  '&calc',
  '%68ttps://login.example.com/',
  'https;//login.example.com/',
];
const hostile = [
  ...foreignSchemes.map((scheme) => `${scheme}://login.example.com/device`),
  ...foreignSchemes.map((scheme) => `${scheme}:login.example.com`),
  ...foreignHosts.map((host) => `https://${host}/device`),
  ...foreignHosts.filter((host) => host !== '').map((host) => `http://${host}/device`),
  ...brokenForms,
];

describe('providerPage', () => {
  test('there are more than 200 hostile vectors', () => {
    expect(new Set(hostile).size).toBeGreaterThan(200);
  });

  test.each([...new Set(hostile)])('refuses %j', (address) => {
    expect(providerPage(address, issuer)).toBeUndefined();
  });

  test.each([
    ['https://login.example.com/device', issuer],
    ['https://login.example.com/device?user_code=ABCD-EFGH', issuer],
    ['https://login.example.com/ui/v2/login/device?user_code=AB%20CD#x', issuer],
    ['https://login.example.com:8443/device', 'https://login.example.com:8443'],
    ['http://127.0.0.1:8080/device', 'http://127.0.0.1:8080'],
    ['http://localhost:8080/device', 'http://localhost:8080/'],
    ['http://[::1]:8080/device', 'http://[::1]:8080'],
  ])('opens %s of the issuer %s', (address, from) => {
    expect(providerPage(address, from)).toBe(address);
  });

  test.each([
    ['https://LOGIN.example.com/device', issuer],
    ['https://login.example.com:443/device', issuer],
  ])('opens %s as the parser reads it', (address, from) => {
    expect(providerPage(address, from)).toBe('https://login.example.com/device');
  });

  test('plain http passes on this computer only, or where the provider is spoken to so anyway', () => {
    const [page, plain] = ['http://login.example.com/device', 'http://login.example.com'];
    expect(providerPage(page, plain)).toBeUndefined();
    expect(providerPage(page, plain, { plainHttp: true })).toBe(page);
    expect(providerPage('http://evil.example/device', plain, { plainHttp: true })).toBeUndefined();
    expect(providerPage('file://login.example.com/x', plain, { plainHttp: true })).toBeUndefined();
  });

  test('without a profile nothing is opened', () => {
    expect(providerPage('https://login.example.com/', undefined)).toBeUndefined();
    expect(providerPage('https://login.example.com/', 'no address')).toBeUndefined();
  });

  test('whatever passes is on the issuer’s host', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('https://', 'login.example.com', '@', ':', '/', '\\', '#', '?', '.'),
    );
    const address = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(address, (text) => {
        const passed = providerPage(text, issuer);
        if (passed !== undefined) expect(new URL(passed).origin).toBe(issuer);
      }),
      { numRuns: 5000 },
    );
  });
});
