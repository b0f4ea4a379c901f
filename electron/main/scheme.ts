import { readFile } from 'node:fs/promises';
import { protocol, type Session } from 'electron';
import { securityHeaders } from './content-security-policy.ts';
import { appScheme, type RendererFiles, resolveRendererFile } from './renderer-files.ts';

/**
 * Makes the page's scheme a real origin. Must run before the app is ready.
 * No `bypassCSP`, no service workers: the page gets what a web page gets, and less.
 */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: appScheme,
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
}

/** Serves the built page in one session. */
export function serveApp(session: Session, files: RendererFiles): void {
  session.protocol.handle(appScheme, async (request) => {
    const file = request.method === 'GET' ? resolveRendererFile(files, request.url) : undefined;
    if (file === undefined)
      return new Response('Not found', { status: 404, headers: { ...securityHeaders } });
    return new Response(new Uint8Array(await readFile(file.path)), {
      headers: { ...securityHeaders, 'content-type': file.contentType },
    });
  });
}
