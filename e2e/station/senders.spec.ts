import { expect, launchStation, pageAddress, type RunningStation, snapshot, test } from './fixtures.ts';

/* Who may talk to the main process: the main frame of our own window, on our own page. Nobody else. */

let station: RunningStation;

test.beforeAll(async () => {
  station = await launchStation();
});
test.afterAll(async () => {
  await station.close();
});

const refusal = { ok: false, error: { code: 'STATION_REQUEST_INVALID' } };

test('our own page is answered', async () => {
  expect((await snapshot(station.page)).station.version).not.toBe('');
});

for (const address of [pageAddress, 'about:blank']) {
  test(`a second window with the same bridge on ${address} is refused`, async () => {
    const answer = await station.app.evaluate(async ({ app, BrowserWindow }, target) => {
      const [own] = BrowserWindow.getAllWindows();
      const window = new BrowserWindow({
        show: false,
        webPreferences: {
          preload: `${app.getAppPath()}/out/preload/index.cjs`,
          sandbox: true,
          session: own?.webContents.session as never,
        },
      });
      try {
        // A page that is no app page would be led back while it is asked.
        window.webContents.removeAllListeners('did-navigate');
        window.webContents.removeAllListeners('did-fail-load');
        await window.loadURL(target).catch(() => undefined);
        return await window.webContents.executeJavaScript(`muster.invoke['station.snapshot']('null')`);
      } finally {
        window.destroy();
      }
    }, address);
    expect(JSON.parse(answer)).toMatchObject(refusal);
  });
}

test('a frame inside our page is refused on every channel, and so is one that is gone', async () => {
  await station.page.evaluate(() => document.body.append(document.createElement('iframe')));
  // The main process learns of a frame after the page has it.
  const frames = () =>
    station.app.evaluate(
      ({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.mainFrame.frames.length,
    );
  await expect.poll(frames).toBe(1);
  const answers = await station.app.evaluate(async ({ BrowserWindow, ipcMain }) => {
    const sender = BrowserWindow.getAllWindows()[0]?.webContents;
    const frame = sender?.mainFrame.frames[0];
    if (sender === undefined || frame === undefined) throw new Error('no frame');
    const handlers = (
      ipcMain as unknown as { _invokeHandlers: Map<string, (event: object, json: string) => Promise<string>> }
    )._invokeHandlers;
    const found: string[] = [];
    for (const handler of handlers.values()) {
      for (const senderFrame of [frame, null]) found.push(await handler({ sender, senderFrame }, 'null'));
    }
    return found;
  });
  expect(answers.length).toBeGreaterThanOrEqual(30);
  for (const answer of answers) {
    expect(JSON.parse(answer)).toMatchObject(refusal);
    expect(answer).toContain('did not come from');
  }
});

test('refused senders are written to the log of the process', async () => {
  await expect.poll(() => station.output()).toContain('was refused');
});

test('the window is made with the strict preferences, spelled out', async () => {
  const all = await station.app.evaluate(({ webContents }) =>
    webContents
      .getAllWebContents()
      .map((contents) =>
        (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences(),
      ),
  );
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
  });
  expect(all[0]?.nodeIntegrationInWorker ?? false).toBe(false);
  expect(all[0]?.enableBlinkFeatures ?? '').toBe('');
  expect(all[0]?.disableBlinkFeatures ?? '').toBe('');
});

test('the scheme serves the files of the bundle and nothing else', async () => {
  const script = await station.page.evaluate(
    () => document.querySelector('script[src]')?.getAttribute('src') ?? '',
  );
  const served = new URL(script, 'http://app/index.html').pathname;
  const refused = [
    '/',
    '/index',
    '/INDEX.HTML',
    '/index.html/',
    '/index.html?x',
    '/./index.html%00',
    '/%69ndex.html',
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/..%5c..%5cpackage.json',
    '/assets',
    '/assets/',
    `${served}.map`,
    `/${served}`,
    '/etc/passwd',
    '//etc/passwd',
    '/main/index.js',
    '/preload/index.cjs',
  ];
  const statuses = await station.app.evaluate(
    async ({ session }, addresses) => {
      const found: Record<string, number | string> = {};
      for (const address of addresses) {
        found[address] = await session
          .fromPartition('persist:station')
          .fetch(address)
          .then((response) => response.status)
          .catch((error: unknown) => String(error).replace(/^.*ERR_/, ''));
      }
      return found;
    },
    [
      pageAddress,
      `muster://app${served}`,
      ...refused.map((path) => `muster://app${path}`),
      ...['other', 'app.example.invalid', 'localhost'].map((host) => `muster://${host}/index.html`),
    ],
  );
  const { [pageAddress]: index, [`muster://app${served}`]: file, ...rest } = statuses;
  expect([index, file]).toEqual([200, 200]);
  for (const [address, status] of Object.entries(rest)) {
    expect([404, 'BLOCKED_BY_CLIENT', 'INVALID_URL'], `${address}: ${status}`).toContain(status);
  }
});

test('the page is on an origin of its own, and secure', async () => {
  expect(
    await station.page.evaluate(() => ({
      origin: location.origin,
      secure: isSecureContext,
      cookie: document.cookie,
    })),
  ).toEqual({ origin: 'muster://app', secure: true, cookie: '' });
});
