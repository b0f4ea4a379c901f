import fs from 'node:fs';
import path from 'node:path';

/** Where the window's page comes from; the only origin there is. */
export const appScheme = 'muster';
export const appHost = 'app';
export const appOrigin = `${appScheme}://${appHost}`;
export const indexAddress = `${appOrigin}/index.html`;

/** File types the bundle may hold; a file of another type is not served. */
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};

export interface RendererFile {
  readonly path: string;
  readonly contentType: string;
}

/** The built page: request path to file. */
export type RendererFiles = ReadonlyMap<string, RendererFile>;

/**
 * Lists the built page once, at start. Only what is in this list can ever be asked for, so no request is turned
 * into a path. Links are left out: they could lead outside.
 */
export function listRendererFiles(folder: string): RendererFiles {
  const files = new Map<string, RendererFile>();
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const contentType = contentTypes[path.extname(entry.name)];
    if (!entry.isFile() || contentType === undefined) continue;
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, file).split(path.sep).join('/');
    files.set(`/${name}`, { path: file, contentType });
  }
  return files;
}

/**
 * The file an address names, or undefined. The raw text is compared, before any URL parser has folded dots or
 * decoded escapes: an address is either written as in the list or it is not ours.
 */
export function resolveRendererFile(files: RendererFiles, address: string): RendererFile | undefined {
  const prefix = `${appOrigin}/`;
  if (!address.startsWith(prefix)) return undefined;
  return files.get(address.slice(appOrigin.length));
}

/** True for an address of our page. Compared by its parts, not by its beginning. */
export function isAppAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  return (
    url.protocol === `${appScheme}:` && url.host === appHost && url.username === '' && url.password === ''
  );
}
