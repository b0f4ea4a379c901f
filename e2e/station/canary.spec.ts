import fs from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { Secret } from '#shared/model/secret.ts';
import { memoryBytesOf } from '../canary/core-file.ts';
import { needlesOf } from '../canary/forms.ts';
import { watchProcessTable } from '../canary/process-table.ts';
import { CanaryScan } from '../canary/scan.ts';
import { TokenTap } from '../canary/token-tap.ts';
import {
  type BridgedWindow,
  enginePid,
  expect,
  freshFolder,
  launchStation,
  type RunningStation,
  snapshot,
  test,
} from './fixtures.ts';
import { signIn, startLabBehind } from './lab-behind.ts';
import { endProcessesNaming } from './process-tree.ts';

/*
 * A sign-in, a minted key, a sudo password and an administrator's token go through a whole run of the window, in which the
 * engine, the page and the main process crash. Then everything that is left is searched for them.
 */

const SUDO_PASSWORD = 'canary sudo "password" 7Hq/+é';
/** What is left on purpose, so that a search that finds nothing is known to find something. */
const CONTROL = 'canary that is left on purpose 4711';
const names = ['bench-01', 'bench-02', 'bench-03'];

interface Kept {
  keptMessages?: string[];
}

/** Keeps every message that goes to the page, at the main process and again at the page's own bridge. */
async function keepMessages({ app, page }: RunningStation): Promise<void> {
  const count = await app.evaluate(({ ipcMain, webContents }) => {
    const kept: string[] = [];
    (globalThis as unknown as Kept).keptMessages = kept;
    type Handler = (...args: unknown[]) => unknown;
    // Electron has no other way to look at what handlers answer.
    const handlers = (ipcMain as unknown as { _invokeHandlers: Map<string, Handler> })._invokeHandlers;
    for (const [channel, handler] of handlers)
      handlers.set(channel, async (...args) => {
        const answer = await handler(...args);
        kept.push(`${channel} ${String(answer)}`);
        return answer;
      });
    for (const contents of webContents.getAllWebContents()) {
      const send = contents.send.bind(contents);
      contents.send = (channel: string, ...args: unknown[]) => {
        kept.push(`${channel} ${args.map(String).join(' ')}`);
        send(channel, ...args);
      };
    }
    return handlers.size;
  });
  expect(count).toBeGreaterThan(10);
  await page.evaluate(() => {
    const kept: string[] = [];
    (window as unknown as Kept).keptMessages = kept;
    for (const [channel, listen] of Object.entries((window as unknown as BridgedWindow).muster.on))
      listen((...words) => kept.push(`${channel} ${words.map(String).join(' ')}`));
  });
}

/** The page as it is: its text, what its fields hold, and what it has stored. */
async function pageTexts(page: Page): Promise<readonly string[]> {
  const fields = await page
    .locator('input, textarea')
    .evaluateAll((all) => all.map((field) => (field as HTMLInputElement).value));
  const stored = await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, databases, document.cookie]);
  });
  return [await page.content(), ...fields, stored];
}

/** Crashes a process and waits until Crashpad and the kernel have written what they write; keeps the core file by its name. */
async function crash(name: string, pid: number, signal: NodeJS.Signals, dumps: string): Promise<void> {
  const before = dumpsIn(dumps).length;
  process.kill(pid, signal);
  await expect.poll(() => dumpsIn(dumps).length).toBeGreaterThan(before);
  // Chromium's children may outlive a signal that another process sent; those write no core file.
  for (let waits = 0; isAlive(pid) && (waits < 50 || writesCoreFile(pid)); waits += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const cores = path.join(path.dirname(path.dirname(dumps)), 'cores');
  for (const file of fs.readdirSync(cores).filter((core) => /^core(\.\d+)?$/.test(core)))
    fs.renameSync(path.join(cores, file), path.join(cores, `${name} ${file}`));
}

function writesCoreFile(pid: number): boolean {
  try {
    return /^CoreDumping:\s*1$/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // It has ended since.
  }
}

/** Not one that has ended and waits to be asked how. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return fs.existsSync(file) && !/\) [ZX] /.test(fs.readFileSync(file, 'utf8'));
}

/** What the kernel adds to every core file: the pages it lends to each process, vvar, vdso and vsyscall (vdso(7)); 36 KiB on Linux 6. */
const KERNEL_PAGES_BYTES = 64 * 1024;

function dumpsIn(folder: string): readonly string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.dmp'));
}

test.describe('on Linux, where /proc tells', () => {
  // biome-ignore lint/suspicious/noSkippedTests: the printed reason is the second argument.
  test.skip(process.platform !== 'linux', 'process facts are read from /proc, which only Linux has');

  test('no secret is left by a run that crashes and goes on', async () => {
    test.setTimeout(600_000);
    const home = freshFolder('canary');
    const [userDataDir, cores, temporary] = ['data', 'cores', 'temporary'].map((name) =>
      path.join(home, name),
    ) as [string, string, string];
    for (const folder of [cores, temporary]) fs.mkdirSync(folder);
    const tap = new TokenTap();
    const behind = await startLabBehind(
      names.map((name) => ({ name, faults: ['sudo-password'] as const })),
      { identityFaults: tap, devicePassword: new Secret(SUDO_PASSWORD), heartbeatLimitSeconds: 90 },
    );
    const { lab } = behind;
    // A key that the provider makes passes through the station; one that is born on its device never does.
    const profile = path.join(home, 'profile.toml');
    const text = fs.readFileSync(lab.profilePath, 'utf8');
    fs.writeFileSync(profile, text.replace('[identity]', '[identity]\nkey_birth = "provider"'));
    const table = await watchProcessTable();
    const station = await launchStation({
      args: [`--profile=${profile}`],
      env: { TMPDIR: temporary },
      ...{ userDataDir, coreFilesIn: cores },
    });
    const { app, page } = station;
    const mainProcess = app.process();
    const hasEnded = (): boolean => mainProcess.exitCode !== null || mainProcess.signalCode !== null;
    const pages: string[] = [];
    const minted = (): number => lab.identity.inspect().mutations['key.minted'] ?? 0;
    const enrolled = async (): Promise<number> =>
      Object.values((await snapshot(page)).rows).filter((row) => row.state === 'enrolled').length;
    const retryWithPassword = async (): Promise<void> => {
      const cause = page
        .getByRole('complementary', { name: 'What needs you' })
        .getByRole('region', { name: 'sudo asks for a password' });
      await cause.locator('input[type=password]').first().fill(SUDO_PASSWORD, { timeout: 90_000 });
      await cause.getByRole('button', { name: /^Retry/ }).click();
    };
    try {
      const dumps = await app.evaluate(({ app: electronApp }) => electronApp.getPath('crashDumps'));
      expect(dumps.startsWith(userDataDir)).toBe(true);
      await keepMessages(station);
      await signIn(app, page);
      await page.getByRole('button', { name: 'Enroll batch (3)' }).click();
      // Refused once each, so that two refresh tokens are used up and known.
      lab.identity.control.endAccessTokens();
      await retryWithPassword();
      // With token, password and a key just made in its memory.
      await expect.poll(minted, { timeout: 120_000, intervals: [5] }).toBeGreaterThan(0);
      await crash('engine', (await enginePid(app)) ?? 0, 'SIGSEGV', dumps);
      pages.push(...(await pageTexts(page)));
      await expect
        .poll(async () => (await snapshot(page).catch(() => undefined))?.session.state)
        .toBe('signed-in');
      lab.identity.control.endAccessTokens();
      await page.getByRole('button', { name: 'Bench', exact: true }).click();
      await page.getByRole('button', { name: /^Enroll batch/ }).click();
      await retryWithPassword();
      await expect.poll(enrolled, { timeout: 150_000 }).toBe(names.length);
      await page.evaluate((control) => localStorage.setItem('control', control), CONTROL);
      fs.writeFileSync(path.join(temporary, 'control'), Buffer.from(CONTROL, 'utf16le'));
      pages.push(...(await pageTexts(page)));

      const bridge = (await page.evaluate(() => (window as unknown as Kept).keptMessages)) ?? [];
      const main = (await app.evaluate(() => (globalThis as unknown as Kept).keptMessages)) ?? [];
      const rendererPid = await app.evaluate(({ webContents }) =>
        webContents.getAllWebContents()[0]?.getOSProcessId(),
      );
      await crash('page', rendererPid ?? 0, 'SIGABRT', dumps);
      await crash('main', mainProcess.pid ?? 0, 'SIGABRT', dumps);
      await expect.poll(hasEnded).toBe(true);
      // A page that was just being made anew is not told that the main process is gone.
      endProcessesNaming(userDataDir);
      const processes = await table.stop();

      const secrets = {
        ...Object.fromEntries(
          lab.devices.map(({ name, root }) => [
            `machine key of ${name}`,
            (
              JSON.parse(fs.readFileSync(path.join(root, 'etc/fleet-agent/zitadel-key.json'), 'utf8')) as {
                key: string;
              }
            ).key,
          ]),
        ),
        ...tap.secrets(),
        'sudo password': SUDO_PASSWORD,
        'left on purpose': CONTROL,
      };
      expect(Object.keys(secrets).some((name) => name.startsWith('refresh token'))).toBe(true);
      const scan = new CanaryScan(needlesOf(secrets));
      const dumpFiles = scan.folder('crash dumps', dumps);
      expect(dumpFiles.filter((file) => file.endsWith('.dmp')).length).toBeGreaterThanOrEqual(3);
      const coreFiles = scan.cores('core files', cores);
      const files = scan.folder('user data folder: journal, log, storage of the page', userDataDir, [dumps]);
      expect(files.some((file) => file.endsWith('journal.db') || file.includes('journal'))).toBe(true);
      scan.folder('temporary folder', temporary);
      const bus = /path=([^,]+)/.exec(process.env.DBUS_SESSION_BUS_ADDRESS ?? '')?.[1];
      if (bus !== undefined) scan.folder('keychain on disk', path.dirname(bus));
      scan.texts('messages to the page, at the main process', main);
      scan.texts('messages to the page, at its bridge', bridge);
      scan.texts('the page: text, fields, storage', pages);
      scan.texts('console of the page', station.consoleTexts);
      scan.texts('standard output and error', [station.output()]);
      scan.texts('command lines and environments', processes.texts);
      expect(bridge.length).toBeGreaterThan(10);
      expect(main.length).toBeGreaterThan(10);
      const sizes = coreFiles
        .map((file) => `${path.basename(file)} ${fs.statSync(file).size} bytes`)
        .join(', ');
      process.stdout.write(
        `${scan.summary()}\n  process table sampled ${processes.samples} times; core files: ${sizes || 'none'}\n`,
      );
      const [onPurpose, others] = [true, false].map((wanted) =>
        scan.findings.filter(({ name }) => (name === 'left on purpose') === wanted),
      );
      expect(others).toEqual([]);
      for (const file of coreFiles)
        expect(memoryBytesOf(fs.readFileSync(file)), file).toBeLessThanOrEqual(KERNEL_PAGES_BYTES);
      const seen = onPurpose?.map(({ place, form }) => `${place.replace(home, '')} as ${form}`);
      // Also on disk by then, or not yet.
      expect(seen).toEqual(
        expect.arrayContaining([
          'temporary folder: /temporary/control as utf-16le',
          'the page: text, fields, storage as raw',
        ]),
      );
    } finally {
      await table.stop();
      // It has crashed by now, unless a step before has failed.
      if (!hasEnded()) await station.close();
      await behind.stop();
      fs.rmSync(home, { recursive: true, force: true });
    }
  });
});
