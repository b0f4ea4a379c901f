import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import {
  expect,
  freshFolder,
  invokeRaw,
  launchStation,
  type RunningStation,
  snapshot,
  test,
} from './fixtures.ts';

/* What the system browser is asked to open: the page of the profile's issuer, or nothing. */

/** An issuer that asks for approval at whatever page the test says, and never gives a token. */
interface PendingIssuer {
  readonly origin: string;
  page: string;
  /** Whether a code was asked for. */
  asked: boolean;
  close(): Promise<void>;
}

async function startIssuer(): Promise<PendingIssuer> {
  const server = http.createServer((request, response) => {
    const send = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const { origin } = issuer;
    if (request.url === '/.well-known/openid-configuration') {
      send(200, {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        device_authorization_endpoint: `${origin}/device_authorization`,
        jwks_uri: `${origin}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    } else if (request.url === '/device_authorization') {
      issuer.asked = true;
      send(200, {
        device_code: 'device-code',
        user_code: 'ABCD-EFGH',
        verification_uri: `${origin}/device`,
        verification_uri_complete: issuer.page,
        expires_in: 300,
        interval: 5,
      });
    } else send(400, { error: 'authorization_pending' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: PendingIssuer = {
    origin,
    page: `${origin}/device?user_code=ABCD-EFGH`,
    asked: false,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return issuer;
}

let issuer: PendingIssuer;
let station: RunningStation;
let folder: string;

test.beforeEach(async () => {
  issuer = await startIssuer();
  folder = freshFolder('issuer');
  const profile = path.join(folder, 'profile.toml');
  fs.writeFileSync(
    profile,
    `name = "Bench"\n[identity]\nissuer = "${issuer.origin}"\nclient_id = "station"\nproject_id = "1"\n[agent.binaries]\n`,
  );
  station = await launchStation({ args: [`--profile=${profile}`] });
  await station.app.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    shell.openExternal = async (address) => {
      opened.push(address);
    };
  });
});
test.afterEach(async () => {
  await station.close();
  await issuer.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const opened = () => station.app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened);

async function signInUntilApproval(): Promise<void> {
  expect(await invokeRaw(station.page, 'session.signIn', 'null')).toEqual({ ok: true, value: null });
  await expect.poll(async () => (await snapshot(station.page)).session.state).toBe('awaiting-approval');
}

test('the issuer’s own page is opened, and its address can be copied', async () => {
  await signInUntilApproval();
  await expect.poll(opened).toEqual([issuer.page]);
  expect(await invokeRaw(station.page, 'session.openBrowser', 'null')).toEqual({ ok: true, value: null });
  expect(await opened()).toEqual([issuer.page, issuer.page]);
  expect(await invokeRaw(station.page, 'session.copyAddress', 'null')).toEqual({ ok: true, value: null });
  expect(await station.app.evaluate(({ clipboard }) => clipboard.readText())).toBe(issuer.page);
});

for (const hostile of [
  'https://issuer.example.invalid/device',
  'file:///etc/passwd',
  'javascript:alert(1)',
]) {
  test(`an issuer that names ${hostile} opens nothing`, async () => {
    issuer.page = hostile;
    await invokeRaw(station.page, 'session.signIn', 'null');
    // Nobody is signed in before it begins, either.
    await expect.poll(() => issuer.asked).toBe(true);
    // Either the sign-in is refused for such an address, or it waits with nothing opened.
    await expect
      .poll(async () => (await snapshot(station.page)).session.state)
      .toMatch(/awaiting-approval|signed-out/);
    const answer = await invokeRaw(station.page, 'session.openBrowser', 'null');
    expect(answer).toMatchObject({ ok: false, error: { code: 'STATION_REQUEST_INVALID' } });
    expect(await opened()).toEqual([]);
  });
}

test('with no sign-in in progress there is nothing to open', async () => {
  for (const channel of ['session.openBrowser', 'session.copyAddress']) {
    expect(await invokeRaw(station.page, channel, 'null')).toMatchObject({ ok: false });
  }
  expect(await opened()).toEqual([]);
});

test('evidence is copied with hidden characters made visible', async () => {
  const text = 'line one\nline\u202e two';
  expect(await invokeRaw(station.page, 'device.copyEvidence', JSON.stringify({ text }))).toEqual({
    ok: true,
    value: null,
  });
  expect(await station.app.evaluate(({ clipboard }) => clipboard.readText())).toBe(
    'line one\nline\\u{202e} two',
  );
});
