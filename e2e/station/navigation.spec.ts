import { expect, launchStation, pageAddress, type RunningStation, test } from './fixtures.ts';

/* The page stays where it is and stays alone, whatever it is made to try. */

let station: RunningStation;

// One app for each test: Chromium drops attempts once a page made 200 of them within ten seconds.
test.beforeEach(async () => {
  station = await launchStation();
  await station.page.evaluate(() => Object.assign(window, { stayed: true }));
  await station.app.evaluate(({ webContents }) => {
    const log: string[] = [];
    Object.assign(globalThis, { navigations: log });
    for (const contents of webContents.getAllWebContents()) {
      contents.on('will-frame-navigate', (event) =>
        log.push(`${event.defaultPrevented ? 'refused' : 'let'} ${event.url}`),
      );
      contents.on('did-navigate', (_event, address) => log.push(`left ${address}`));
      contents.on('did-navigate-in-page', (_event, address) => log.push(`within ${address}`));
    }
  });
});
test.afterEach(async () => {
  await station.close();
});

const hosts = [
  'example.invalid',
  'app',
  'app.example.invalid',
  'app@example.invalid',
  '127.0.0.1:1',
  '[::1]:1',
];
const schemes = ['https', 'http', 'ftp', 'muster', 'musters', 'file', 'ws', 'ssh', 'vscode', 'intent'];
const special = [
  'data:text/html,<h1>x</h1>',
  'blob:muster://app/00000000-0000-0000-0000-000000000000',
  'javascript:document.title=1',
  'view-source:muster://app/index.html',
  'file:///etc/passwd',
  'filesystem:muster://app/x',
  'mailto:a@example.invalid',
  'smb://example.invalid/x',
  'ms-settings:',
  '//example.invalid/',
  '\\\\example.invalid\\x',
  '/etc/passwd',
  '../../../../etc/passwd',
  '?x=1',
  './other.html',
  'muster://app/index.html/../x',
  'muster:///index.html',
  'MUSTER://APP/x.html',
];
const hostile = [
  ...special,
  ...schemes.flatMap((scheme) => hosts.map((host) => `${scheme}://${host}/x`)),
  ...hosts.map((host) => `https://${host}/#muster://app/index.html`),
];

/** Ways a page can be made to go elsewhere, each called with an address in the page. */
const ways: Readonly<Record<string, (address: string) => void>> = {
  location: (address) => {
    location.href = address;
  },
  replace: (address) => location.replace(address),
  link: (address) => {
    const link = Object.assign(document.createElement('a'), { href: address });
    document.body.append(link);
    link.click();
  },
  'form by get': (address) => {
    const form = Object.assign(document.createElement('form'), { action: address });
    document.body.append(form);
    form.submit();
  },
  'meta refresh': (address) => {
    const meta = document.createElement('meta');
    meta.httpEquiv = 'refresh';
    meta.content = `0;url=${address}`;
    document.head.append(meta);
  },
  frame: (address) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src: address }));
  },
  'frame that leads the top': (address) => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const link = Object.assign(frame.contentDocument?.createElement('a') ?? document.createElement('a'), {
      href: address,
      target: '_top',
    });
    frame.contentDocument?.body.append(link);
    link.click();
  },
  'new window': (address) => {
    window.open(address);
  },
  'named window': (address) => {
    window.open(address, 'named', 'width=300,nodeIntegration=yes,webPreferences="sandbox=no"');
  },
  'link to a new window': (address) => {
    const link = Object.assign(document.createElement('a'), { href: address, target: '_blank' });
    document.body.append(link);
    link.click();
  },
};

const navigations = () =>
  station.app.evaluate(() => (globalThis as unknown as { navigations: string[] }).navigations);

/** Lets everything that was started before come to its end: a move within the page goes the same way, last. */
async function settled(): Promise<void> {
  await station.page.evaluate(() => {
    location.hash = 'after';
  });
  await expect.poll(async () => (await navigations()).at(-1)).toBe(`within ${pageAddress}#after`);
}

/** The page shows something. Not by a locator: those wait for navigations that were refused. */
async function expectDrawn(): Promise<void> {
  const text = () =>
    station.page.evaluate(() => document.querySelector('#root')?.textContent ?? '').catch(() => '');
  await expect.poll(text).not.toBe('');
}

/** No window but ours, and no foreign address was ever reached. */
async function expectAlone(): Promise<void> {
  const open = await station.app.evaluate(({ BrowserWindow, webContents }) => ({
    windows: BrowserWindow.getAllWindows().length,
    contents: webContents.getAllWebContents().length,
  }));
  expect(open).toEqual({ windows: 1, contents: 1 });
  // Some addresses make Chromium itself put a blank page in their place; from there the window comes back.
  const reached = (await navigations()).filter((line) => /^(left|let) /.test(line));
  expect(
    reached.filter((line) => line !== 'left about:blank#blocked' && line !== `left ${pageAddress}`),
  ).toEqual([]);
}

async function expectUnmoved(): Promise<void> {
  await expectAlone();
  expect(new URL(station.page.url()).host).toBe('app');
  expect(await station.page.evaluate(() => 'stayed' in window)).toBe(true);
}

/** Makes one attempt in the page. A page that is replaced meanwhile ends the call, which is no fault here. */
async function attempt(way: (address: string) => void, address: string): Promise<void> {
  // As text, because a function cannot cross; the debugger may evaluate, the page may not.
  const code = `(${way.toString()})(${JSON.stringify(address)})`;
  await station.page.evaluate(`try { ${code} } catch {}`).catch(() => undefined);
}

for (const [name, way] of Object.entries(ways)) {
  test(`no address takes the page away by ${name} (${hostile.length} addresses)`, async () => {
    for (const address of hostile) await attempt(way, address);
    await expect.poll(() => station.page.url().split('#', 1)[0]).toBe(pageAddress);
    await expectDrawn();
    await expectAlone();
  });
}

test('the guard, not luck, keeps the page: attempts reach it and are refused', async () => {
  for (const address of [
    'https://example.invalid/',
    'muster://app/other.html',
    'muster://app.example.invalid/index.html',
  ]) {
    await station.page.evaluate((target) => {
      location.href = target;
    }, address);
    await expect.poll(navigations).toContain(`refused ${address}`);
  }
  await settled();
  await expectUnmoved();
});

test('middle, shift and control clicks open nothing', async () => {
  await station.page.evaluate((address) => {
    const link = Object.assign(document.createElement('a'), {
      href: address,
      id: 'hostile',
      textContent: 'hostile',
    });
    link.style.cssText = 'position: fixed; inset: 0; z-index: 99999; background: white';
    document.body.append(link);
  }, 'https://example.invalid/');
  const { mouse, keyboard } = station.page;
  await expect(station.page.locator('#hostile')).toBeVisible();
  await mouse.click(300, 300, { button: 'middle' });
  for (const key of ['Shift', 'Control', 'Alt']) {
    await keyboard.down(key);
    await mouse.click(300, 300);
    await keyboard.up(key);
  }
  await mouse.click(300, 300);
  await settled();
  await expectUnmoved();
});

test('a webview element is inert and its attaching is prevented', async () => {
  const { page, app } = station;
  const inert = await page.evaluate(() => {
    const view: HTMLElement = document.createElement('webview');
    view.setAttribute('src', 'https://example.invalid/');
    view.setAttribute('allowpopups', '');
    view.setAttribute('nodeintegration', '');
    document.body.append(view);
    return view.constructor === HTMLElement && Reflect.get(view, 'loadURL') === undefined;
  });
  expect(inert).toBe(true);
  const prevented = await app.evaluate(({ webContents }) => {
    let stopped = false;
    const event = { preventDefault: () => (stopped = true) };
    webContents.getAllWebContents()[0]?.emit('will-attach-webview', event, {}, {});
    return stopped;
  });
  expect(prevented).toBe(true);
  await settled();
  await expectUnmoved();
});

test('a download is refused', async () => {
  await station.app.evaluate(({ session }) => {
    const log: string[] = [];
    Object.assign(globalThis, { downloads: log });
    session.fromPartition('persist:station').on('will-download', (event, item) => {
      log.push(event.defaultPrevented ? 'prevented' : 'taken');
      item.cancel();
    });
  });
  await station.page.evaluate(() => {
    const address = URL.createObjectURL(new Blob(['x']));
    Object.assign(document.createElement('a'), { href: address, download: 'x.sh' }).click();
  });
  // The page's own is stopped by its policy; one that gets past it meets the session's guard.
  await station.app.evaluate(({ webContents }, address) => {
    webContents.getAllWebContents()[0]?.downloadURL(address);
  }, pageAddress);
  await expect
    .poll(() => station.app.evaluate(() => (globalThis as unknown as { downloads: string[] }).downloads))
    .toEqual(['prevented']);
});

for (const address of ['about:blank', 'about:srcdoc']) {
  test(`the window comes back where Chromium blanks a page without asking: ${address}`, async () => {
    await attempt(ways.location as (address: string) => void, address);
    await expect.poll(() => station.page.evaluate(() => 'stayed' in window).catch(() => true)).toBe(false);
    await expect.poll(() => station.page.url()).toBe(pageAddress);
    await expectDrawn();
  });
}

test('the page can reload itself', async () => {
  await Promise.all([station.page.waitForEvent('load'), station.page.evaluate(() => location.reload())]);
  expect(station.page.url()).toBe(pageAddress);
  await expectDrawn();
});
