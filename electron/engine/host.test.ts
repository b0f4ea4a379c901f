import { describe, expect, test } from 'vitest';
import { type EngineMessage, engineMessageSchema, ipc } from '#shared/contract/ipc.ts';
import { EnrollmentError } from '#shared/errors/enrollment-error.ts';
import { EngineHost, type HostedSetUp, type HostedStation } from './host.ts';

const noSetUp: HostedSetUp = {
  handle: () => Promise.reject(new Error('There is no set-up here.')),
  leave: () => undefined,
};

function setUp(handle: (channel: string, input: unknown) => unknown = () => null) {
  const posted: EngineMessage[] = [];
  const warnings: string[] = [];
  const exits: number[] = [];
  const timers: { ms: number; callback: () => void }[] = [];
  let receive: (raw: unknown) => void = () => undefined;
  const host = new EngineHost({
    port: {
      post: (message) => posted.push(engineMessageSchema.parse(message)),
      onMessage: (listener) => {
        receive = listener;
      },
    },
    after: (ms, callback) => {
      const timer = { ms, callback };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
    exit: (status) => exits.push(status),
    warn: (event) => warnings.push(event),
  });
  let shutDowns = 0;
  const station = {
    handle: async (channel: string, input: unknown) => handle(channel, input),
    shutDown: async () => {
      shutDowns += 1;
    },
  } as unknown as HostedStation;
  const ask = async (channel: string, input: unknown) => {
    receive({
      type: 'call',
      id: posted.length,
      channel,
      json: typeof input === 'string' ? input : JSON.stringify(input),
    });
    const answers = () => posted.filter((message) => message.type === 'answer');
    const before = answers().length;
    for (let turn = 0; turn < 20 && answers().length === before; turn++) await Promise.resolve();
    return JSON.parse(answers().at(-1)?.json ?? 'null');
  };
  return {
    host,
    station,
    posted,
    warnings,
    exits,
    timers,
    ask,
    send: (raw: unknown) => receive(raw),
    shutDowns: () => shutDowns,
  };
}

describe('EngineHost', () => {
  test('says that it is ready, then answers calls with checked values', async () => {
    const { host, station, posted, ask } = setUp((channel) =>
      channel === 'bench.add' ? { rowId: 'row-1', extra: 1 } : null,
    );
    host.serve({ station: station, setUp: noSetUp });
    expect(posted).toEqual([{ type: 'ready' }]);
    expect(await ask('bench.add', { deviceId: 'a', target: 'b' })).toEqual({
      ok: true,
      value: { rowId: 'row-1' },
    });
    expect(await ask('batch.stop', null)).toEqual({ ok: true, value: null });
  });

  test.each([
    ['another shape', 'bench.add', { deviceId: 1 }],
    ['a channel of the main process', 'session.openBrowser', null],
  ])('refuses %s', async (_name, channel, input) => {
    const { host, station, ask } = setUp();
    host.serve({ station: station, setUp: noSetUp });
    expect(await ask(channel, input)).toMatchObject({
      ok: false,
      error: { code: 'STATION_REQUEST_INVALID' },
    });
  });

  test('a typed error crosses with its code; anything else is a bug, with its stack in the log only', async () => {
    const thrown = [new EnrollmentError('STATION_BUSY'), new TypeError('x is not a function')];
    const { host, station, ask, warnings } = setUp(() => {
      throw thrown.shift();
    });
    host.serve({ station: station, setUp: noSetUp });
    expect(await ask('batch.stop', null)).toMatchObject({ ok: false, error: { code: 'STATION_BUSY' } });
    expect(warnings).toEqual([]);
    const bug = await ask('batch.stop', null);
    expect(bug).toMatchObject({
      ok: false,
      error: { code: 'STATION_BUG', evidence: 'TypeError: x is not a function' },
    });
    expect(JSON.stringify(bug)).not.toContain('    at ');
    expect(warnings).toEqual(['call-failed batch.stop']);
  });

  test('an answer of the wrong shape does not leave the engine', async () => {
    const { host, station, ask } = setUp(() => ({ rowId: 7 }));
    host.serve({ station: station, setUp: noSetUp });
    expect(await ask('bench.add', { deviceId: 'a', target: 'b' })).toMatchObject({
      ok: false,
      error: { code: 'STATION_BUG' },
    });
  });

  test('messages outside the contract are dropped and noted', () => {
    const { host, station, posted, warnings, send } = setUp();
    host.serve({ station: station, setUp: noSetUp });
    for (const raw of [null, 'x', { type: 'eval' }, { type: 'call', id: 'x' }, { type: 'ready' }]) send(raw);
    expect(warnings).toHaveLength(5);
    expect(posted).toHaveLength(1);
  });

  test('sends changes once per frame', () => {
    const { host, posted, timers } = setUp();
    for (let revision = 1; revision <= 100; revision++) host.publish({ revision });
    host.publishLog('dev-1', [{ offsetMs: 0, kind: 'note', text: 'x' }]);
    expect(timers.map(({ ms }) => ms)).toEqual([16]);
    timers[0]?.callback();
    expect(posted.map((message) => message.type === 'notify' && message.channel)).toEqual([
      'station.delta',
      'device.log',
    ]);
    const [delta, log] = posted.map((message) =>
      message.type === 'notify' ? JSON.parse(message.json) : undefined,
    );
    expect(ipc['station.delta'].payload.parse(delta)).toEqual({ revision: 100, since: 0 });
    expect(ipc['device.log'].payload.parse(log).lines).toHaveLength(1);
  });

  test('asks for the browser, and does not wait for ever', async () => {
    const { host, station, posted, timers, send } = setUp();
    host.serve({ station: station, setUp: noSetUp });
    const first = host.openBrowser('https://login.example.com/');
    expect(posted.at(-1)).toEqual({ type: 'open-browser', url: 'https://login.example.com/' });
    send({ type: 'browser-opened', opened: true });
    expect(await first).toBe(true);
    expect(timers).toHaveLength(0);
    const second = host.openBrowser('https://login.example.com/');
    timers[0]?.callback();
    expect(await second).toBe(false);
    send({ type: 'browser-opened', opened: true });
  });

  test('asks for the proxy of each address, and says when nobody answers', async () => {
    const { host, station, posted, timers, send } = setUp();
    host.serve({ station, setUp: noSetUp });
    const [first, second] = [
      host.resolveProxy('https://a.example.com'),
      host.resolveProxy('https://b.example.com'),
    ];
    expect(posted.slice(-2)).toEqual([
      { type: 'resolve-proxy', id: 1, url: 'https://a.example.com' },
      { type: 'resolve-proxy', id: 2, url: 'https://b.example.com' },
    ]);
    send({ type: 'proxy', id: 2, answer: 'PROXY p.example.com:3128' });
    send({ type: 'proxy', id: 1, answer: 'DIRECT' });
    expect(await Promise.all([first, second])).toEqual(['DIRECT', 'PROXY p.example.com:3128']);
    expect(timers).toHaveLength(0);
    const third = host.resolveProxy('https://a.example.com');
    timers[0]?.callback();
    await expect(third).rejects.toThrow('did not say within 10 s which proxy it uses');
    send({ type: 'proxy', id: 3, answer: 'DIRECT' });
  });

  test('shuts the station down before it ends, and sends what still waits', async () => {
    const { host, station, posted, exits, send, shutDowns } = setUp();
    host.serve({ station: station, setUp: noSetUp });
    host.publish({ revision: 1 });
    send({ type: 'shut-down' });
    for (let turn = 0; turn < 20 && exits.length === 0; turn++) await Promise.resolve();
    expect([shutDowns(), exits]).toEqual([1, [0]]);
    expect(posted.at(-1)).toMatchObject({ type: 'notify', channel: 'station.delta' });
  });
});
