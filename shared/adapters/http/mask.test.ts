import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDACTED, Secret } from '../../model/secret.ts';
import { maskReply } from './mask.ts';

describe('masking by name and form', () => {
  it('takes every token and key out of evidence, and leaves the rest', () => {
    const text = JSON.stringify({
      keyDetails: 'canary-a',
      access_token: 'canary-b\\"canary-c',
      message: `Bearer canary-d eyJhbGciOi.eyJpc3Mi.canary-e`,
      pem: '-----BEGIN RSA PRIVATE KEY-----\ncanary-f\n-----END RSA PRIVATE KEY-----',
      code: 6,
    });
    const masked = maskReply(text);
    expect(masked).not.toContain('canary');
    expect(masked).toContain('"code":6');
  });

  it.each([
    ['a form', 'refresh_token=canary&client_id=x', `refresh_token=${REDACTED}&client_id=x`],
    ['an address', 'GET /x?a=1&client_secret=canary HTTP', `GET /x?a=1&client_secret=${REDACTED} HTTP`],
    ['a password', '{"password":"canary","user":"x"}', `{"password":"${REDACTED}","user":"x"}`],
    ['another product', '{"client_token": "canary"}', `{"client_token": "${REDACTED}"}`],
    ['other spelling', '{"refreshToken":"canary"}', `{"refreshToken":"${REDACTED}"}`],
    ['a personal access token', '{"pat":"canary"}', `{"pat":"${REDACTED}"}`],
    ['an assertion', 'client_assertion=canary', `client_assertion=${REDACTED}`],
    ['a device code', '{"device_code":"canary"}', `{"device_code":"${REDACTED}"}`],
    ['a private key', '{"private_key":"canary"}', `{"private_key":"${REDACTED}"}`],
    ['a Basic header', 'Authorization: Basic Y2FuYXJ5', `Authorization: Basic ${REDACTED}`],
    [
      'JSON in a string',
      '{"m":"bad {\\"access_token\\":\\"canary\\"}"}',
      `{\\"access_token\\":\\"${REDACTED}\\"}`,
    ],
    ['the same with a quote in it', '{\\"password\\":\\"can\\\\\\"canary\\", \\"x\\":1}', '\\"x\\":1}'],
    [
      'JSON in a string in a string',
      '{\\\\\\"token\\\\\\":\\\\\\"canary\\\\\\"}',
      `:\\\\\\"${REDACTED}\\\\\\"}`,
    ],
    ['one that was cut off', '{\\"token\\":\\"canary', '{\\"token\\":\\"'],
    ['a JWT after a line break', '"x\\neyJhbGciOi.eyJpc3Mi.canary"', `"x\\n${REDACTED}"`],
    ['a scheme after a line break', '"x\\nBearer canary"', `"x\\nBearer ${REDACTED}"`],
  ])('of %s', (_name, text, expected) => {
    const masked = maskReply(text);
    expect(masked).not.toContain('canary');
    expect(masked).toContain(expected);
  });

  it.each([
    '{"error":"invalid_request","error_description":"Errors.Token.Invalid"}',
    '{"token_type":"Bearer","expires_in":3600,"token_endpoint":"https://id.example/oauth/v2/token"}',
    '{"code":16,"message":"Errors.Token.Invalid (AUTH-7fs1e)","roleKey":"device","accessTokenType":"JWT"}',
    'key=value, user_code=ABCD-EFGH, path=/x',
  ])('leaves %s alone', (text) => {
    expect(maskReply(text)).toBe(text);
  });

  it('is quick with text that is made to be slow', () => {
    for (const text of [
      '\\'.repeat(300_000),
      '"'.repeat(300_000),
      `"${'token'.repeat(60_000)}`,
      'a'.repeat(300_000),
    ])
      expect(maskReply(text, [new Secret('aaaaaaab'), new Secret('\\\\"')]).length).toBeLessThan(5_000);
  });
});

describe('masking of what was sent', () => {
  const html = (text: string): string =>
    text.replace(/[&<>"']/g, (one) => `&#${one === '"' ? 'x22' : one.charCodeAt(0)};`);
  const json = (text: string): string => JSON.stringify(text).slice(1, -1);
  const escaped = (text: string): string =>
    [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`).join('');
  /** How a reply may write a value that it quotes. */
  const writings: Readonly<Record<string, (text: string) => string>> = {
    plain: (text) => text,
    json,
    'json in json': (text) => json(json(text)),
    'json with slashes escaped': (text) => json(text).replaceAll('/', '\\/'),
    'escaped as a whole': escaped,
    address: encodeURIComponent,
    'address in an address': (text) => encodeURIComponent(encodeURIComponent(text)),
    form: (text) => new URLSearchParams({ v: text }).toString().slice(2),
    html,
    'html with names': (text) => html(text).replaceAll('&#38;', '&amp;').replaceAll('&#60;', '&lt;'),
  };
  /** What tokens and passwords are made of; brackets are what masking itself writes. */
  const secret = fc
    .string({
      unit: fc.constantFrom(...'ABCXYZabcxyz0189-._~+/=!"#$%&\'()*,:;<>?@\\^`{|} ä€'),
      minLength: 8,
      maxLength: 60,
    })
    .filter((text) => !REDACTED.includes(text));
  const secrets = fc.array(secret, { minLength: 1, maxLength: 4 });
  const around = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(
      '{"access_token":"',
      '","x":1}',
      'Bearer ',
      'refresh_token=',
      '\\',
      '"',
      '&',
      '%',
      'eyJ',
      '.',
    ),
  );

  it('leaves none of it, whatever the body around it', () => {
    const body = fc.record({
      sent: secrets,
      parts: fc.array(
        fc.record({ before: around, which: fc.nat(), writing: fc.constantFrom(...Object.keys(writings)) }),
        { minLength: 1, maxLength: 6 },
      ),
      after: around,
    });
    fc.assert(
      fc.property(body, ({ sent, parts, after }) => {
        const written = parts.map(({ before, which, writing }) => {
          const value = sent[which % sent.length] ?? '';
          return { before, value: writings[writing]?.(value) ?? value };
        });
        const text = `${written.map(({ before, value }) => before + value).join('')}${after}`;
        const masked = maskReply(
          text,
          sent.map((value) => new Secret(value)),
        );
        for (const value of [...sent, ...written.map((one) => one.value)])
          expect(masked.includes(value), `${value} in ${masked}`).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('finds two that overlap, and one that follows itself', () => {
    const sent = [new Secret('abcdefgh'), new Secret('efghijkl')];
    expect(maskReply('x abcdefghijkl y abcdefghabcdefgh z', sent)).toBe(`x ${REDACTED} y ${REDACTED} z`);
  });

  it('changes nothing where nothing was sent, or something that is empty', () => {
    expect(maskReply('a b c')).toBe('a b c');
    expect(maskReply('a b c', [new Secret('')])).toBe('a b c');
  });
});
