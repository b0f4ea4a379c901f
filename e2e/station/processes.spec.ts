import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { ElectronApplication } from '@playwright/test';
import { letWriteCoreFiles } from '../canary/core-limit.ts';
import {
  appFolder,
  electronExecutable,
  enginePid,
  expect,
  freshFolder,
  invokeRaw,
  launchStation,
  pageAddress,
  removeFolder,
  snapshot,
  stationEnvironment,
  test,
} from './fixtures.ts';
import {
  commandLineOf,
  endProcessesNaming,
  listenersOf,
  processesNaming,
  processTree,
} from './process-tree.ts';

/* The processes behind the window: what they are given, what they open, and what happens when one dies. */

const asRoot = process.getuid?.() === 0;

/** Starts the app as a person does: nothing attached, no debugging port. */
function spawnStation(args: readonly string[]): {
  readonly child: ChildProcess;
  /** Everything on standard error; all of it once it has {@link closed}. */
  readonly errors: () => string;
  /** Its exit status, once it has ended and everything it printed has arrived. */
  readonly closed: Promise<number | null>;
} {
  const switches = asRoot ? ['--no-sandbox'] : [];
  letWriteCoreFiles(false);
  const child = spawn(electronExecutable(), [...switches, appFolder, ...args], {
    env: stationEnvironment(),
    stdio: 'pipe',
  });
  const closed = once(child, 'close').then(([status]) => status);
  child.stdout?.resume();
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return { child, errors: () => errors, closed };
}

/** Process id of the page. */
const pagePid = async (app: ElectronApplication): Promise<number> =>
  (await app.evaluate(({ webContents }) => webContents.getAllWebContents()[0]?.getOSProcessId())) ?? 0;

const utilityCount = (pid: number) =>
  processTree(pid).filter((one) => commandLineOf(one).includes('--utility-sub-type=node.mojom.NodeService'))
    .length;

test.describe('on Linux, where /proc tells', () => {
  // biome-ignore lint/suspicious/noSkippedTests: the printed reason is the second argument.
  test.skip(process.platform !== 'linux', 'process facts are read from /proc, which only Linux has');

  test('no process of the station listens on any port', async () => {
    const userDataDir = freshFolder('listen');
    const { child, closed } = spawnStation([`--user-data-dir=${userDataDir}`]);
    const pid = child.pid ?? 0;
    try {
      await expect.poll(() => utilityCount(pid)).toBe(1);
      await expect
        .poll(() => processTree(pid).some((one) => commandLineOf(one).includes('--type=renderer')))
        .toBe(true);
      expect(listenersOf(pid)).toEqual([]);
    } finally {
      child.kill();
      await closed;
      removeFolder(userDataDir);
    }
  });

  test('with the debugger attached only the two debugging ports are open, on this computer alone', async ({
    station,
  }) => {
    const main = station.app.process().pid ?? 0;
    const listeners = listenersOf(main);
    expect(listeners.length).toBeLessThanOrEqual(2);
    // 127.0.0.1, in the byte order of /proc.
    for (const { pid, address } of listeners)
      expect(`${pid} ${address}`).toMatch(new RegExp(`^${main} 0100007F:`));
  });

  test('an engine that is killed is restarted, and the window recovers by a snapshot', async ({
    station,
  }) => {
    const before = await enginePid(station.app);
    expect(before).toBeGreaterThan(0);
    process.kill(before ?? 0, 'SIGKILL');
    await expect
      .poll(async () => {
        const now = await enginePid(station.app);
        return now !== undefined && now !== before;
      })
      .toBe(true);
    await expect
      .poll(async () =>
        (await snapshot(station.page).catch(() => undefined))?.notices.map(({ text }) => text).join(),
      )
      .toContain('The engine restarted at');
    await expect(station.page.getByText(/The engine restarted at/)).toBeVisible();
    const { notices } = await snapshot(station.page);
    const id = notices.find(({ text }) => text.includes('restarted'))?.id;
    expect(await invokeRaw(station.page, 'station.dismissNotice', JSON.stringify({ id }))).toEqual({
      ok: true,
      value: null,
    });
    expect((await snapshot(station.page)).notices.filter((notice) => notice.id === id)).toEqual([]);
  });

  test('no process of the station puts its memory into a core file, from its first moment on', async ({
    station,
  }) => {
    await snapshot(station.page);
    const tree = processTree(station.app.process().pid ?? 0);
    const kept = tree.flatMap((pid) => {
      const file = `/proc/${pid}/coredump_filter`;
      // Whose files are not ours runs in a sandbox, and writes no core file at all.
      if (!fs.existsSync(file) || fs.statSync(file).uid !== process.getuid?.()) return [];
      return Number.parseInt(fs.readFileSync(file, 'utf8'), 16) === 0 ? [] : [commandLineOf(pid)];
    });
    expect(kept).toEqual([]);
    expect(tree.length).toBeGreaterThan(3);
  });

  test('a page that hangs holds up no end, and is not left behind', async ({ station }) => {
    await snapshot(station.page);
    const page = await pagePid(station.app);
    const closed = once(station.app.process(), 'close');
    process.kill(page, 'SIGSTOP');
    station.app.process().kill();
    expect(await closed).toEqual([0, null]);
    expect(commandLineOf(page)).toBe('');
  });

  test('files of the station are for this account only', async ({ station }) => {
    // Not while it begins: files come and go then.
    await snapshot(station.page);
    const open = fs
      .readdirSync(station.userDataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isDirectory())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => ((fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});

test.describe('on Linux, where /proc tells, with a lab', () => {
  // biome-ignore lint/suspicious/noSkippedTests: the printed reason is the second argument.
  test.skip(process.platform !== 'linux', 'process facts are read from /proc, which only Linux has');

  test('a station that is closed while its lab starts leaves no process behind', async () => {
    const userDataDir = freshFolder('closing');
    const { child, errors, closed } = spawnStation([
      `--user-data-dir=${userDataDir}`,
      ...['--lab', '--devices=30'],
    ]);
    // Devices stay behind under another parent, so the folder in the command line tells whose they are.
    const ours = () => processesNaming(userDataDir);
    try {
      const natsServer = () => ours().filter((pid) => commandLineOf(pid).includes('nats-server.conf'));
      await expect.poll(() => natsServer().length, { intervals: [10] }).toBe(1);
      child.kill();
      await closed;
      await expect.poll(() => ours().map(commandLineOf)).toEqual([]);
      expect(errors()).not.toMatch(/could not start|Unhandled| {4}at /);
    } finally {
      if (child.exitCode === null) child.kill('SIGKILL');
      endProcessesNaming(userDataDir);
      removeFolder(userDataDir);
    }
  });
});

test('the page is gone before the app ends', async ({ station }) => {
  await snapshot(station.page);
  const told = path.join(station.userDataDir, 'at-the-end.json');
  await station.app.evaluate(
    ({ app }, { file, pid }) => {
      const { writeFileSync } = process.getBuiltinModule('node:fs');
      // The last that a process of Electron tells.
      app.once('quit', () => {
        let isThere = true;
        try {
          process.kill(pid, 0);
        } catch {
          isThere = false;
        }
        writeFileSync(file, JSON.stringify({ isThere }));
      });
    },
    { file: told, pid: await pagePid(station.app) },
  );
  await station.app.close();
  expect(JSON.parse(fs.readFileSync(told, 'utf8'))).toEqual({ isThere: false });
});

test('a call in flight is answered when the engine dies', async ({ station }) => {
  await snapshot(station.page);
  const pid = await enginePid(station.app);
  // Stopped, not killed: the call is on its way and stays without an answer until the end.
  process.kill(pid ?? 0, 'SIGSTOP');
  await station.app.evaluate(({ ipcMain }) => {
    const seen = { call: false };
    Object.assign(globalThis, { seen });
    type Handler = (...args: unknown[]) => unknown;
    const handlers = (ipcMain as unknown as { _invokeHandlers: Map<string, Handler> })._invokeHandlers;
    const handler = handlers.get('fleet.targets');
    handlers.set('fleet.targets', (...args) => {
      const answer = handler?.(...args);
      seen.call = true;
      return answer;
    });
  });
  const answer = invokeRaw(station.page, 'fleet.targets', JSON.stringify({ deviceIds: ['one'] }));
  // The next engine, which is started at once, would have an answer.
  await expect
    .poll(() => station.app.evaluate(() => (globalThis as unknown as { seen: { call: boolean } }).seen.call))
    .toBe(true);
  process.kill(pid ?? 0, 'SIGKILL');
  expect(await answer).toMatchObject({ ok: false, error: { code: 'STATION_ENGINE_LOST' } });
});

test('the engine gets the environment it needs and nothing else', async () => {
  const station = await launchStation({
    env: { CANARY_TOKEN: 'canary-4711', MUSTER_ADMIN_TOKEN: 'canary-4712', MUSTER_NODE: 'kept' },
  });
  const report = path.join(station.userDataDir, 'environment.json');
  const probe = path.join(station.userDataDir, 'probe.mjs');
  fs.writeFileSync(
    probe,
    `import fs from 'node:fs';\nfs.writeFileSync(${JSON.stringify(`${report}.new`)}, JSON.stringify(process.env));\n` +
      `fs.renameSync(${JSON.stringify(`${report}.new`)}, ${JSON.stringify(report)});\nprocess.exit();\n`,
  );
  await snapshot(station.page);
  // The next engine is a script that tells what it was given; everything but the file is the station's own doing.
  await station.app.evaluate(({ utilityProcess }, file) => {
    const fork = utilityProcess.fork;
    utilityProcess.fork = (_file, words, options) => {
      utilityProcess.fork = fork;
      return fork(file, words, options);
    };
  }, probe);
  process.kill((await enginePid(station.app)) ?? 0, 'SIGKILL');
  await expect.poll(() => fs.existsSync(report)).toBe(true);
  const env: Record<string, string> = JSON.parse(fs.readFileSync(report, 'utf8'));
  await station.close();
  expect(env.MUSTER_NODE).toBe('kept');
  expect(env.PATH).toBe(process.env.PATH);
  const wanted = /^(PATH|HOME|LANG|TMPDIR|DBUS_SESSION_BUS_ADDRESS|XDG_.*|MUSTER_NATS_SERVER|MUSTER_NODE)$/;
  expect(Object.keys(env).filter((name) => !wanted.test(name))).toEqual([]);
});

test('a page that is killed comes back', async ({ station }) => {
  await snapshot(station.page);
  const text = await station.app.evaluate(async ({ webContents }) => {
    const contents = webContents.getAllWebContents()[0];
    if (contents === undefined) throw new Error('no window');
    const loaded = new Promise<void>((resolve) => contents.once('did-finish-load', () => resolve()));
    contents.forcefullyCrashRenderer();
    await loaded;
    return await contents.executeJavaScript(`muster.invoke['station.snapshot']('null')`);
  });
  expect(JSON.parse(text)).toMatchObject({ ok: true });
});

test('a second station with its own data folder runs beside the first', async ({ station }) => {
  const second = await launchStation();
  expect(second.page.url()).toBe(pageAddress);
  expect((await snapshot(second.page)).station).toEqual((await snapshot(station.page)).station);
  expect(await enginePid(second.app)).not.toBe(await enginePid(station.app));
  await second.close();
  expect((await snapshot(station.page)).station.version).not.toBe('');
});

test('a second start on the same data folder says so and ends', async ({ station }) => {
  const { errors, closed } = spawnStation([`--user-data-dir=${station.userDataDir}`]);
  expect(await closed).toBe(0);
  expect(errors()).toContain('is open already');
  expect((await snapshot(station.page)).station.version).not.toBe('');
});

for (const [word, says] of [
  ['--proxy-server=127.0.0.1:1', 'is not allowed'],
  ['--js-flags=--expose-gc', 'is not allowed'],
  ['--devices=3', 'Use it with --lab'],
  ['stray', 'one argument too many'],
] as const) {
  test(`started with ${word} it explains itself and ends`, async () => {
    const { errors, closed } = spawnStation([word]);
    expect(await closed).toBe(2);
    expect(errors()).toContain(says);
    expect(errors()).not.toContain('    at ');
  });
}

test('a profile that cannot be read is explained in the window', async () => {
  const station = await launchStation({ args: ['--profile', '/nowhere/profile.toml'] });
  const { session } = await snapshot(station.page);
  expect(session).toMatchObject({ state: 'signed-out', error: { code: 'STATION_PROFILE_UNREADABLE' } });
  await expect(station.page.getByText(/nowhere\/profile\.toml/).first()).toBeVisible();
  expect(await invokeRaw(station.page, 'session.signIn', 'null')).toMatchObject({ ok: false });
  await station.close();
});
