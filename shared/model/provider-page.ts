import { isLoopbackHost } from './profile.ts';

const MAX_LENGTH = 2048;
// Printable ASCII without the characters no address needs raw: spaces, quotes, angle brackets, backslash, caret, grave, braces, bar.
const PLAIN = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/;

/**
 * The address of a page of the identity provider, as it is shown and opened in the system browser; undefined where it must
 * be neither.
 *
 * Only one shape passes: a page on the very host of the profile's issuer, by https, or by http where that host is
 * this computer. What is opened is the parsed form, so that the browser reads the same as we did.
 * @param plainHttp http passes on every host: of a provider that is itself spoken to in the open
 */
export function providerPage(
  address: string,
  issuer: string | undefined,
  { plainHttp = false }: { readonly plainHttp?: boolean } = {},
): string | undefined {
  if (issuer === undefined || !URL.canParse(issuer)) return undefined;
  if (address.length > MAX_LENGTH || !PLAIN.test(address) || !/^https?:\/\/[^/]/i.test(address))
    return undefined;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  const allowed = new URL(issuer);
  // In the text itself, because the parser drops an empty `@`.
  const authority = address.split('/', 3)[2] ?? '';
  if (authority.includes('@') || url.username !== '' || url.password !== '') return undefined;
  if (url.host !== allowed.host) return undefined;
  const mayBePlain = plainHttp || isLoopbackHost(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && mayBePlain) ? url.href : undefined;
}
