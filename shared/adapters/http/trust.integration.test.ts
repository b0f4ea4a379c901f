import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EnrollmentError, toErrorView } from '../../errors/enrollment-error.ts';
import { profileSchema } from '../../model/profile.ts';
import { unlessItHangs } from '../../testing/patience.ts';
import { silentLogger } from '../log/logger.ts';
import { createSignInClient } from '../oidc/sign-in-client.ts';
import { systemClock } from '../system/clock.ts';
import { createIdentityHttpClient } from './http.ts';
import { type ProxyChoice, proxyOfEnvironment } from './proxy.ts';
import { canMakeCertificates, createTestAuthority, type TestAuthority } from './testing/certificates.ts';

const isMade = canMakeCertificates();
if (!isMade) console.warn('SKIPPED: trust in the identity provider: no openssl to make certificates.');

describe.skipIf(!isMade)('trust in the identity provider', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'muster-trust-'));
  let authority: TestAuthority;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  beforeAll(() => {
    authority = createTestAuthority(folder, 'plant');
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  interface Seen {
    readonly host: string | undefined;
    readonly sni: unknown;
  }

  /** A provider that answers everything with 404, and what it saw. */
  async function provider(options: ServerOptions): Promise<{ port: number; seen: Seen[] }> {
    const seen: Seen[] = [];
    const server = createServer(options, (request, response) => {
      seen.push({ host: request.headers.host, sni: (request.socket as TLSSocket).servername });
      response.writeHead(404).end('here');
    });
    return { port: await listen(server), seen };
  }

  const profileOf = (issuer: string, identity: object) =>
    profileSchema.parse({
      name: 'x',
      identity: { issuer, client_id: '1', project_id: '2', ...identity },
      agent: { binaries: {} },
    });

  async function ask(issuer: string, identity: object, proxyFor?: ProxyChoice): Promise<string> {
    const http = createIdentityHttpClient(profileOf(issuer, identity), systemClock, proxyFor);
    try {
      const texts: string[] = [];
      for (const liveConnection of [false, true]) {
        const signal = unlessItHangs();
        texts.push(
          (await http.request({ method: 'GET', url: new URL(issuer), signal, liveConnection })).text,
        );
      }
      return texts.join(' ');
    } finally {
      http.close();
    }
  }

  /** What the operator reads when a sign-in meets this provider. */
  async function refusal(
    issuer: string,
    identity: object,
    proxyFor?: ProxyChoice,
  ): Promise<{ code: string; says: string; cause: string; everything: string }> {
    const profile = profileOf(issuer, identity);
    const http = createIdentityHttpClient(profile, systemClock, proxyFor);
    const client = createSignInClient({ profile, http, clock: systemClock, logger: silentLogger });
    try {
      const thrown = await client
        .signIn(() => undefined, unlessItHangs())
        .then(
          () => undefined,
          (error: EnrollmentError) => error,
        );
      const view = toErrorView(thrown);
      return { code: view.code, says: view.says, cause: view.cause, everything: JSON.stringify(view) };
    } finally {
      http.close();
    }
  }

  const at = (port: number) => ({ 'id.example': `127.0.0.1:${port}` });

  it('a host of identity.resolve is reached at its address, under its name', async () => {
    const { port, seen } = await provider(authority.issue());
    const issuer = 'https://id.example:8443';
    expect(await ask(issuer, { ca_file: authority.file, resolve: at(port) })).toBe('here here');
    const name = { host: 'id.example:8443', sni: 'id.example' };
    expect(seen).toEqual([name, name]);
    // Another host is not touched by it, and the certificate is checked for the name.
    expect((await refusal('https://other.invalid', { resolve: at(port) })).code).toBe('IDENTITY_UNREACHABLE');
    const wrong = await refusal('https://other.example', {
      ca_file: authority.file,
      resolve: { 'other.example': `127.0.0.1:${port}` },
    });
    expect(wrong).toMatchObject({
      code: 'IDENTITY_CERTIFICATE_OTHER_NAME',
      says: 'The certificate at https://other.example is made for another name.',
    });
    expect(wrong.cause).toContain('id.example');
  });

  it('every fault of a certificate has its own sentence', async () => {
    const stranger = createTestAuthority(folder, 'stranger');
    const cases = [
      [stranger.issue(), 'IDENTITY_CERTIFICATE_REFUSED'],
      [
        createTestAuthority(folder, 'itself', 'digitalSignature,keyCertSign'),
        'IDENTITY_CERTIFICATE_SELF_SIGNED',
      ],
      [{ key: authority.key, cert: authority.cert }, 'IDENTITY_CERTIFICATE_NOT_FOR_SERVERS'],
      [
        authority.issue({ extensions: ['extendedKeyUsage=clientAuth'] }),
        'IDENTITY_CERTIFICATE_NOT_FOR_SERVERS',
      ],
      [
        authority.issue({ from: '20200101000000Z', until: '20200201000000Z' }),
        'IDENTITY_CERTIFICATE_EXPIRED',
      ],
      [
        authority.issue({ from: '20900101000000Z', until: '20910101000000Z' }),
        'IDENTITY_CERTIFICATE_NOT_YET_VALID',
      ],
      [authority.issue({ name: 'elsewhere.example' }), 'IDENTITY_CERTIFICATE_OTHER_NAME'],
    ] as const;
    const sentences = new Set<string>();
    for (const [certificate, code] of cases) {
      const { port, seen } = await provider({ key: certificate.key, cert: certificate.cert });
      const told = await refusal('https://id.example', { ca_file: authority.file, resolve: at(port) });
      expect(told.code).toBe(code);
      expect(seen).toEqual([]);
      sentences.add(told.says);
      const accepted = { resolve: at(port), danger_accept_invalid_certs: true };
      expect(await ask('https://id.example', accepted)).toBe('here here');
    }
    expect(sentences.size).toBe(6);
  });

  it('nothing below TLS 1.2 is spoken, not even where any certificate is accepted', async () => {
    const { port, seen } = await provider({
      ...authority.issue(),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    for (const danger_accept_invalid_certs of [false, true]) {
      const trust = { ca_file: authority.file, danger_accept_invalid_certs, resolve: at(port) };
      expect(await refusal('https://id.example', trust)).toMatchObject({
        code: 'IDENTITY_TLS_TOO_OLD',
        says: 'https://id.example speaks only TLS 1.1 or older.',
      });
    }
    expect(seen).toEqual([]);
  });

  describe('through a proxy', () => {
    const PASSWORD = 'canary-proxy-password';

    /** A proxy that knows where id.example is. */
    async function proxy(port: number, answer = 200) {
      const asked: { target: string; authorization: string | undefined }[] = [];
      const server = createPlainServer((request, response) => {
        asked.push({
          target: request.url ?? '',
          authorization: request.headers['proxy-authorization'],
        });
        response.writeHead(answer === 200 ? 404 : answer).end('from the proxy');
      });
      server.on('connect', (request, client: Socket) => {
        asked.push({
          target: request.url ?? '',
          authorization: request.headers['proxy-authorization'],
        });
        client.on('error', () => undefined);
        if (answer !== 200) {
          client.end(`HTTP/1.1 ${answer} No\r\n\r\n`);
          return;
        }
        const onward = connect(port, '127.0.0.1', () => {
          client.write('HTTP/1.1 200 OK\r\n\r\n');
          onward.pipe(client).pipe(onward);
        });
        onward.on('error', () => client.destroy());
      });
      return { port: await listen(server), asked };
    }

    it('the certificate stays the one of the provider, and the proxy hears its own password only', async () => {
      const { port, seen } = await provider(authority.issue());
      const { port: proxyPort, asked } = await proxy(port);
      const proxyFor = proxyOfEnvironment({ HTTPS_PROXY: `http://me:${PASSWORD}@127.0.0.1:${proxyPort}` });
      expect(await ask('https://id.example', { ca_file: authority.file }, proxyFor)).toBe('here here');
      const authorization = `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`;
      const tunnel = { target: 'id.example:443', authorization };
      expect(asked).toEqual([tunnel]);
      expect(seen.map((one) => one.sni)).toEqual(['id.example', 'id.example']);
      expect((await refusal('https://id.example', {}, proxyFor)).code).toBe('IDENTITY_CERTIFICATE_REFUSED');
    });

    it('what the proxy refuses is told as its refusal, without its password', async () => {
      for (const [answer, says] of [
        [407, 'wants a name and a password, or others than it was given.'],
        [403, 'refuses the connection (status 403).'],
      ] as const) {
        const { port } = await proxy(0, answer);
        const proxyFor = proxyOfEnvironment({ https_proxy: `me:${PASSWORD}@127.0.0.1:${port}` });
        const told = await refusal('https://id.example', {}, proxyFor);
        expect(told).toMatchObject({
          code: 'IDENTITY_PROXY_REFUSED',
          says: `The proxy 127.0.0.1:${port} ${says}`,
        });
        expect(told.everything).not.toContain(PASSWORD);
        expect(told.everything).not.toContain(Buffer.from(`me:${PASSWORD}`).toString('base64'));
      }
      const proxyFor = proxyOfEnvironment({ https_proxy: `socks5://me:${PASSWORD}@127.0.0.1:9` });
      const told = await refusal('https://id.example', {}, proxyFor);
      expect(told.says).toBe('https_proxy names a proxy of the kind socks5; http and https are known.');
      expect(told.everything).not.toContain(PASSWORD);
    });

    it('one that is not there is told as such', async () => {
      const { port } = await proxy(0);
      for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
      const proxyFor = proxyOfEnvironment({ https_proxy: `127.0.0.1:${port}` });
      const told = await refusal('https://id.example', {}, proxyFor);
      expect(told.code).toBe('IDENTITY_PROXY_REFUSED');
      expect(told.says).toContain(`The proxy 127.0.0.1:${port} cannot be reached: `);
    });

    it('plain http, where the profile allows it, is asked of the proxy itself', async () => {
      const { port, asked } = await proxy(0);
      const proxyFor = proxyOfEnvironment({ http_proxy: `127.0.0.1:${port}` });
      const issuer = 'http://id.example';
      expect(await ask(issuer, { danger_accept_invalid_certs: true }, proxyFor)).toBe(
        'from the proxy from the proxy',
      );
      expect(asked[0]?.target).toBe('http://id.example/');
    });

    it('is never asked for loopback or for a host of identity.resolve', async () => {
      const { port } = await provider(authority.issue());
      const { port: proxyPort, asked } = await proxy(port);
      const proxyFor = proxyOfEnvironment({ https_proxy: `127.0.0.1:${proxyPort}` });
      const loopback = { danger_accept_invalid_certs: true };
      expect(await ask(`https://127.0.0.1:${port}`, loopback, proxyFor)).toBe('here here');
      expect(await ask('https://id.example', { ca_file: authority.file, resolve: at(port) }, proxyFor)).toBe(
        'here here',
      );
      expect(asked).toEqual([]);
    });
  });
});
