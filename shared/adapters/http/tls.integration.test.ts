import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileSchema } from '../../model/profile.ts';
import { HANGS_AFTER_MS, unlessItHangs } from '../../testing/patience.ts';
import { systemClock } from '../system/clock.ts';
import { createIdentityHttpClient } from './http.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-tls-'));
const certificate = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
const made = spawnSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
  ],
  { timeout: HANGS_AFTER_MS },
);
const isMade = made.status === 0;
if (!isMade) console.warn('SKIPPED: TLS of the identity provider: no openssl to make a certificate.');

describe.skipIf(!isMade)('trust in the identity provider', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (_request, response) => {
        response.end('hello');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(host: string, identity: object): Promise<string> {
    const issuer = `https://${host}:${port}`;
    const profile = profileSchema.parse({
      name: 'x',
      identity: { issuer, client_id: '1', project_id: '2', ...identity },
      agent: { binaries: {} },
    });
    const http = createIdentityHttpClient(profile, systemClock);
    try {
      const signal = unlessItHangs();
      return (await http.request({ method: 'GET', url: new URL(issuer), signal })).text;
    } finally {
      http.close();
    }
  }

  it('needs a reason', async () => {
    await expect(ask('localhost', {})).rejects.toMatchObject({
      kind: 'certificate-self-signed',
      maybeSent: false,
    });
    expect(await ask('localhost', { ca_file: certificate })).toBe('hello');
    await expect(ask('127.0.0.1', { ca_file: certificate })).rejects.toMatchObject({
      kind: 'certificate-name',
    });
    expect(await ask('127.0.0.1', { danger_accept_invalid_certs: true })).toBe('hello');
  });

  it('refuses a CA file that holds no certificate', async () => {
    await expect(ask('localhost', { ca_file: key })).rejects.toMatchObject({
      code: 'STATION_PROFILE_INVALID',
    });
  });
});
