import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabIdentityProvider } from './identity-provider.ts';
import { operatorScope, startTestLab, stationClient, unlessItHangs } from './lab-testkit.ts';
import { readPage } from './operator-walk.ts';

describe('the pages of the lab for people', () => {
  let lab: LabIdentityProvider;
  beforeAll(async () => {
    lab = await startTestLab();
  });
  afterAll(() => lab.stop());

  async function post(path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
    return fetch(`${lab.issuer}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers,
      redirect: 'manual',
      signal: unlessItHangs(),
    });
  }

  async function freshCode(): Promise<string> {
    const device = await openid.initiateDeviceAuthorization(await stationClient(lab), {
      scope: operatorScope,
    });
    return device.user_code;
  }

  async function openCodePage(query = ''): Promise<{ html: string; cookie: string; csrf: string }> {
    const response = await fetch(`${lab.issuer}/device${query}`, { signal: unlessItHangs() });
    const html = await response.text();
    const cookie = response.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
    return { html, cookie, csrf: readPage(html).form?.values.csrf ?? '' };
  }

  it('needs no script and may load nothing', async () => {
    const response = await fetch(`${lab.issuer}/device`, { signal: unlessItHangs() });
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self'");
    expect(policy).not.toContain('unsafe-inline');
    const html = await response.text();
    expect(html).not.toMatch(/<script|\son\w+=|style=|src=|https?:/i);
    const nonce = /nonce-([^']+)'/.exec(policy)?.[1];
    expect(html).toContain(`<style nonce="${nonce}">`);
  });

  it('shows a hostile code as text', async () => {
    const { html } = await openCodePage(`?user_code=${encodeURIComponent('"><script>x(1)')}`);
    expect(html).not.toContain('<script');
    expect(readPage(html).form?.values.user_code).toBe('"><script>x(1)');
  });

  it('takes a code typed in small letters, without the dash', async () => {
    const { cookie, csrf } = await openCodePage();
    const typed = (await freshCode()).toLowerCase().replace('-', '');
    const answer = await post('/device', { csrf, user_code: typed }, { cookie });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/device/operator');
  });

  it('says what is wrong with an unknown code', async () => {
    const { cookie, csrf } = await openCodePage();
    const answer = await post('/device', { csrf, user_code: 'BBBB-BBBB' }, { cookie });
    expect(answer.status).toBe(422);
    expect(readPage(await answer.text()).alert).toMatch(/No station is waiting/);
  });

  it('refuses forms without its cookie, without its token, or from another site', async () => {
    const { cookie, csrf } = await openCodePage();
    const code = await freshCode();
    expect((await post('/device', { csrf, user_code: code })).status).toBe(403);
    expect((await post('/device', { csrf: 'guessed', user_code: code }, { cookie })).status).toBe(403);
    const elsewhere = { cookie, origin: 'http://elsewhere.example' };
    expect((await post('/device', { csrf, user_code: code }, elsewhere)).status).toBe(403);
  });

  it('lets nobody decide before signing in', async () => {
    const { cookie, csrf } = await openCodePage();
    const code = await freshCode();
    await post('/device', { csrf, user_code: code }, { cookie });
    const answer = await post('/device/decision', { csrf, decision: 'approve' }, { cookie });
    expect(answer.headers.get('location')).toBe('/device');
    // Still undecided, so still good for the real operator.
    const again = await openCodePage();
    const retry = await post('/device', { csrf: again.csrf, user_code: code }, { cookie: again.cookie });
    expect(retry.status).toBe(303);
  });

  it('forgets the browser at end_session', async () => {
    const { cookie, csrf } = await openCodePage();
    const response = await fetch(`${lab.issuer}/oidc/v1/end_session`, {
      headers: { cookie },
      signal: unlessItHangs(),
    });
    expect(readPage(await response.text()).step).toBe('signed-out');
    expect((await post('/device', { csrf, user_code: await freshCode() }, { cookie })).status).toBe(403);
  });
});
