import { channelNames } from './contract-names.ts';
import {
  type BridgedWindow,
  expect,
  invokeRaw,
  launchStation,
  type RunningStation,
  snapshot,
  test,
} from './fixtures.ts';

/*
 * The page's walls, probed on the running app from inside the page: what it can reach, run and load.
 * One app for the file; every test begins with a fresh page.
 */

let station: RunningStation;

test.beforeAll(async () => {
  station = await launchStation();
});
test.afterAll(async () => {
  await station.close();
});
test.beforeEach(async () => {
  await station.page.reload();
});

const nodeGlobals = [
  'require',
  'process',
  'Buffer',
  'module',
  'exports',
  'global',
  '__dirname',
  'setImmediate',
  'electron',
  'ipcRenderer',
];

test('the page has no Node', async () => {
  expect(
    await station.page.evaluate((names) => names.filter((name) => name in globalThis), nodeGlobals),
  ).toEqual([]);
});

test('a blank frame has neither Node nor the bridge', async () => {
  const found = await station.page.evaluate(
    (names) => {
      const frame = document.createElement('iframe');
      document.body.append(frame);
      const inner = frame.contentWindow as unknown as Record<string, unknown>;
      return names.filter((name) => inner[name] !== undefined);
    },
    [...nodeGlobals, 'muster'],
  );
  expect(found).toEqual([]);
});

test('no worker can be made, not even from the page’s own files', async () => {
  const outcomes = await station.page.evaluate(async () => {
    const script = document.querySelector('script[src]')?.getAttribute('src') ?? '';
    const attempts = {
      own: () => new Worker(script),
      blob: () => new Worker(URL.createObjectURL(new Blob(['postMessage(typeof require)']))),
      data: () => new Worker('data:text/javascript,postMessage(1)'),
      shared: () => new SharedWorker(script),
      service: () => navigator.serviceWorker.register(script),
    };
    const found: Record<string, string> = {};
    for (const [name, attempt] of Object.entries(attempts)) {
      try {
        await attempt();
        found[name] = 'made';
      } catch {
        found[name] = 'refused';
      }
    }
    return found;
  });
  expect(outcomes).toEqual({
    own: 'refused',
    blob: 'refused',
    data: 'refused',
    shared: 'refused',
    service: 'refused',
  });
});

test('the bridge is the contract, name by name, and cannot be changed', async () => {
  const dump = await station.page.evaluate(() => {
    const { muster } = window as unknown as BridgedWindow;
    const names = (value: object) => Reflect.ownKeys(value).map(String).sort();
    return {
      parts: names(muster),
      invoke: names(muster.invoke),
      on: names(muster.on),
      kinds: [
        ...new Set(
          [...Object.values(muster.invoke), ...Object.values(muster.on)].map((value) => typeof value),
        ),
      ],
      // Functions of the other world would show themselves by another Function.
      foreign: [...Object.values(muster.invoke), ...Object.values(muster.on)].filter(
        (value) => Object.getPrototypeOf(value) !== Function.prototype,
      ).length,
      descriptor: Object.getOwnPropertyDescriptor(window, 'muster'),
    };
  });
  expect(dump.parts).toEqual(['invoke', 'on']);
  expect(dump.invoke).toEqual([...channelNames.invoke].sort());
  expect(dump.on).toEqual([...channelNames.notify].sort());
  expect(dump.kinds).toEqual(['function']);
  expect(dump.foreign).toBe(0);
  expect(dump.descriptor).toMatchObject({ writable: false, configurable: false });
});

test('the window has no other global than a plain page has', async () => {
  const extra = await station.page.evaluate(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const plain = new Set(Reflect.ownKeys(frame.contentWindow ?? {}).map(String));
    return Reflect.ownKeys(window)
      .map(String)
      .filter((name) => !plain.has(name) && !/^\d+$/.test(name));
  });
  // Libraries of the page keep their registries here; a function of Electron or Node would be news.
  expect(extra.filter((name) => !/^__(zod|playwright|pw|REACT)/i.test(name))).toEqual(['muster']);
});

test('a listener gets text only, and its unsubscribe works', async () => {
  const { page, app } = station;
  await page.evaluate(() => {
    const scope = window as unknown as BridgedWindow & { heard: unknown[][]; stop: () => void };
    scope.heard = [];
    scope.stop = scope.muster.on['device.log']?.((...words) => scope.heard.push(words)) ?? (() => undefined);
  });
  const say = (text: string) =>
    app.evaluate(({ webContents }, words) => {
      for (const contents of webContents.getAllWebContents()) {
        contents.send('device.log', words);
        contents.send('device.log', { not: 'text' });
      }
    }, text);
  const heard = () => page.evaluate(() => (window as unknown as { heard: unknown[][] }).heard);
  await say('one');
  await expect.poll(heard).toEqual([['one']]);
  await page.evaluate(() => (window as unknown as { stop: () => void }).stop());
  await say('two');
  // The answer of a call arrives after everything that was sent before it.
  await snapshot(page);
  expect(await heard()).toEqual([['one']]);
});

test('overwritten prototypes of the page do not reach the bridge', async () => {
  const answer = await station.page.evaluate(async () => {
    const { muster } = window as unknown as BridgedWindow;
    const seen: string[] = [];
    const targets: [Record<string, unknown>, string][] = [
      [Array.prototype as never, 'push'],
      [Array.prototype as never, 'map'],
      [Promise.prototype as never, 'then'],
      [Function.prototype as never, 'call'],
      [Function.prototype as never, 'apply'],
      [JSON as never, 'parse'],
      [JSON as never, 'stringify'],
      [Object as never, 'freeze'],
      [String.prototype as never, 'toString'],
    ];
    const saved = targets.map(([owner, name]) => owner[name]);
    const lie = () => {
      throw new Error('overwritten');
    };
    for (const [owner, name] of targets) owner[name] = lie;
    try {
      seen[0] = await (muster.invoke['station.snapshot'] as (json: string) => Promise<string>)('null');
      const stop = (muster.on['station.delta'] as (listener: () => void) => () => void)(() => undefined);
      stop();
    } finally {
      for (let index = 0; index < targets.length; index++) {
        const [owner, name] = targets[index] as [Record<string, unknown>, string];
        owner[name] = saved[index];
      }
    }
    return seen[0];
  });
  expect(JSON.parse(answer ?? 'null')).toMatchObject({ ok: true });
});

test('nothing but text is taken as a request', async () => {
  const outcomes = await station.page.evaluate(async () => {
    const invoke = (
      window as unknown as { muster: { invoke: Record<string, (value: unknown) => Promise<unknown>> } }
    ).muster.invoke['device.copyEvidence'] as (value: unknown) => Promise<unknown>;
    const good = JSON.stringify({ text: 'x' });
    const hostile: unknown[] = [
      undefined,
      null,
      7,
      { text: 'x' },
      [good],
      new String(good),
      { toString: () => good },
      { toJSON: () => ({ text: 'x' }) },
      // biome-ignore lint/suspicious/noThenProperty: a thenable is one of the lies to be tried.
      { then: (resolve: (value: string) => void) => resolve(good) },
      Promise.resolve(good),
      JSON.parse('{"__proto__":{"text":"x"}}'),
      () => good,
    ];
    const answers: string[] = [];
    for (const value of hostile) {
      const answer = await invoke(value).catch((error: unknown) => `threw ${error}`);
      answers.push(String(answer));
    }
    return answers;
  });
  for (const outcome of outcomes) {
    const refused = outcome.startsWith('threw ') || outcome.includes('"STATION_REQUEST_INVALID"');
    expect(refused, outcome).toBe(true);
  }
});

test('requests of another shape are refused with a typed error', async () => {
  const requests: [string, string][] = [
    ['station.snapshot', ''],
    ['station.snapshot', '{'],
    ['station.snapshot', '{}'],
    ['station.snapshot', '[1]'],
    ['bench.add', 'null'],
    ['bench.add', '{"deviceId":"a"}'],
    ['bench.add', '{"deviceId":1,"target":"b"}'],
    ['bench.add', JSON.stringify({ deviceId: 'a'.repeat(301), target: 'b' })],
    ['batch.start', '{"rowIds":[]}'],
    ['batch.retry', '{"deviceIds":["a"],"sshPassword":""}'],
    ['device.copyEvidence', JSON.stringify({ text: 'x'.repeat(70_000) })],
    ['device.copyEvidence', JSON.stringify({ text: 'x'.repeat(2_000_000) })],
  ];
  for (const [channel, json] of requests) {
    const answer = await invokeRaw(station.page, channel, json);
    expect(answer, `${channel} ${json.slice(0, 60)}`).toMatchObject({
      ok: false,
      error: { code: 'STATION_REQUEST_INVALID' },
    });
  }
});

test('the bridge knows no other channel', async () => {
  const { page } = station;
  expect(
    await page.evaluate(() => typeof (window as unknown as BridgedWindow).muster.invoke['engine.eval']),
  ).toBe('undefined');
  const handled = await station.app.evaluate(({ ipcMain }) => [
    ...(ipcMain as unknown as { _invokeHandlers: Map<string, unknown> })._invokeHandlers.keys(),
  ]);
  expect(handled.sort()).toEqual([...channelNames.invoke].sort());
});

test('normal use breaks no rule and earns no warning', async () => {
  const fresh = await launchStation();
  await snapshot(fresh.page);
  await fresh.page.reload();
  await snapshot(fresh.page);
  const complaints = fresh.consoleTexts.filter((text) =>
    /Content Security Policy|Security Warning|Trusted|violat/i.test(text),
  );
  await fresh.close();
  expect(complaints).toEqual([]);
});
