import { expect, launchStation, type RunningStation, test } from './fixtures.ts';

/* Every permission is refused, asked or looked up, in our page and in a frame of it. */

let station: RunningStation;

test.beforeAll(async () => {
  station = await launchStation();
});
test.afterAll(async () => {
  await station.close();
});

test('looked up, no permission is granted', async () => {
  const granted = await station.page.evaluate(async () => {
    const names = [
      'camera',
      'microphone',
      'geolocation',
      'notifications',
      'clipboard-read',
      'clipboard-write',
      'midi',
      'persistent-storage',
      'idle-detection',
      'window-management',
      'local-fonts',
      'screen-wake-lock',
      'storage-access',
      'accelerometer',
      'gyroscope',
      'magnetometer',
      'payment-handler',
      'background-sync',
    ];
    const found: string[] = [];
    for (const name of names) {
      const status = await navigator.permissions
        .query({ name: name as PermissionName })
        .catch(() => undefined);
      if (status?.state === 'granted') found.push(name);
    }
    return found;
  });
  // Sensors and sync have no question to ask; Chromium reports its own default for them.
  expect(granted.filter((name) => !['accelerometer', 'gyroscope', 'magnetometer'].includes(name))).toEqual(
    [],
  );
});

test('asked for, everything is refused', async () => {
  const outcomes = await station.page.evaluate(async () => {
    type Ask = (...words: unknown[]) => Promise<unknown>;
    /** Calls what may not be there at all; a missing function refuses as well as any. */
    const ask = async (owner: unknown, name: string, ...words: unknown[]): Promise<unknown> => {
      const asked = (owner as Record<string, Ask> | undefined)?.[name];
      if (asked === undefined) throw new Error('there is no such function');
      return await asked.apply(owner, words);
    };
    const { usb, hid, serial, bluetooth, keyboard } = navigator as unknown as Record<string, unknown>;
    const attempts: Record<string, () => Promise<unknown>> = {
      camera: () => navigator.mediaDevices.getUserMedia({ video: true }),
      microphone: () => navigator.mediaDevices.getUserMedia({ audio: true }),
      screen: () => navigator.mediaDevices.getDisplayMedia({ video: true }),
      geolocation: () =>
        new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
      notifications: async () => {
        if ((await Notification.requestPermission()) !== 'granted') throw new Error('refused');
      },
      'clipboard-read': () => navigator.clipboard.readText(),
      'clipboard-write': () => navigator.clipboard.writeText('x'),
      midi: () => navigator.requestMIDIAccess({ sysex: true }),
      usb: () => ask(usb, 'requestDevice', { filters: [] }),
      hid: async () => {
        const devices = (await ask(hid, 'requestDevice', { filters: [] })) as unknown[];
        if (devices.length === 0) throw new Error('refused');
      },
      serial: () => ask(serial, 'requestPort'),
      bluetooth: () => ask(bluetooth, 'requestDevice', { acceptAllDevices: true }),
      idle: async () => {
        const { IdleDetector } = window as unknown as {
          IdleDetector: { requestPermission(): Promise<string> };
        };
        if ((await IdleDetector.requestPermission()) !== 'granted') throw new Error('refused');
      },
      fullscreen: () => document.documentElement.requestFullscreen(),
      screens: () => ask(window, 'getScreenDetails'),
      fonts: async () => {
        const fonts = (await ask(window, 'queryLocalFonts')) as unknown[];
        if (fonts.length === 0) throw new Error('refused');
      },
      'persistent storage': async () => {
        if (!(await navigator.storage.persist())) throw new Error('refused');
      },
      'keyboard lock': () => ask(keyboard, 'lock', ['Escape']),
    };
    const found: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      const limit = new Promise((resolve) => setTimeout(() => resolve('no answer'), 15_000));
      found[name] = await Promise.race([
        Promise.resolve()
          .then(attempt)
          .then(() => 'granted'),
        limit,
      ])
        .then(String)
        .catch(() => 'refused');
    }
    return found;
  });
  for (const [name, outcome] of Object.entries(outcomes))
    expect(`${name}: ${outcome}`).toBe(`${name}: refused`);
});

test('no session checks spelling, which would fetch dictionaries', async () => {
  const answers = await station.app.evaluate(({ session }) => {
    // A session made later is guarded like the window's.
    const sessions = [
      session.defaultSession,
      session.fromPartition('persist:station'),
      session.fromPartition('later'),
    ];
    return sessions.map((one) => one.isSpellCheckerEnabled());
  });
  expect(answers).toEqual([false, false, false]);
});
