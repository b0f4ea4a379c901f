import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { at, textOf } from './contract/subject.ts';
import type { LabIdentityProvider } from './identity-provider.ts';
import { operatorScope, startTestLab, unlessItHangs } from './lab-testkit.ts';

/** A certificate for 127.0.0.1 that signs itself. */
function makeCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'muster-lab-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=lab', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const made = spawnSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert], {
      timeout: 20_000,
    });
    if (made.status !== 0) throw new Error(`openssl: ${made.error?.message ?? made.stderr.toString()}`);
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function getOverTls(url: string, ca: string | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, signal: unlessItHangs() }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(JSON.parse(text)));
    });
    asked.on('error', reject).end();
  });
}

describe('the provider behind other names and certificates', () => {
  let lab: LabIdentityProvider;
  afterEach(() => lab.stop());

  it('serves https to whoever trusts its certificate, under an https issuer', async () => {
    const tls = makeCertificate();
    lab = await startTestLab({ tls });
    expect(lab.issuer).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const discovery = `${lab.issuer}/.well-known/openid-configuration`;
    expect(await getOverTls(discovery, tls.cert)).toMatchObject({
      issuer: lab.issuer,
      token_endpoint: `${lab.issuer}/oauth/v2/token`,
    });
    await expect(getOverTls(discovery, undefined)).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
  });

  it('knows itself by its external name alone, and signs people in under it', async () => {
    const externalOrigin = 'https://id.plant.example:8443';
    lab = await startTestLab({ externalOrigin });
    expect(lab.issuer).toBe(externalOrigin);
    const ask = async (path: string, fields?: Record<string, string>, host = 'id.plant.example:8443') => {
      const response = await fetch(lab.listensOn + path, {
        method: fields === undefined ? 'GET' : 'POST',
        headers: { 'x-zitadel-instance-host': host },
        signal: unlessItHangs(),
        ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
      });
      return { status: response.status, body: response.ok ? await response.json() : await response.text() };
    };
    const discovery = await ask('/.well-known/openid-configuration');
    expect(discovery.body).toMatchObject({
      issuer: externalOrigin,
      device_authorization_endpoint: `${externalOrigin}/oauth/v2/device_authorization`,
      jwks_uri: `${externalOrigin}/oauth/v2/keys`,
    });
    const elsewhere = await ask('/.well-known/openid-configuration', undefined, 'id.plant.example');
    expect(elsewhere.status).toBe(404);
    expect(elsewhere.body).toContain('Instance not found');

    const client = { client_id: lab.clientId };
    const codes = await ask('/oauth/v2/device_authorization', { ...client, scope: operatorScope });
    expect(textOf(codes, 'verification_uri')).toBe(`${externalOrigin}/device`);
    await lab.control.decideSignIn({ userCode: textOf(codes, 'user_code') });
    const tokens = await ask('/oauth/v2/token', {
      ...client,
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: textOf(codes, 'device_code'),
    });
    expect(at(tokens, 'token_type')).toBe('Bearer');
    expect(decodeJwt(textOf(tokens, 'access_token')).iss).toBe(externalOrigin);
    await expect(lab.control.decideSignIn({ userCode: textOf(codes, 'user_code') })).rejects.toThrow(
      /unknown|decided/,
    );
  });
});
