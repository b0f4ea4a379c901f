import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  test as base,
  type ElectronApplication,
  _electron as electron,
  expect,
  type Page,
} from '@playwright/test';
import type { Result } from '#shared/contract/ipc.ts';
import type { StationState } from '#shared/model/station-state.ts';
import { letWriteCoreFiles } from '../canary/core-limit.ts';

export { expect };

/** The checkout, or another unpacked build of the app. */
export const appFolder = process.env.MUSTER_E2E_APP ?? path.resolve(import.meta.dirname, '..', '..');

/** Address of the station's page. */
export const pageAddress = 'muster://app/index.html';

export interface LaunchOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A data folder to use again; a fresh one without. */
  readonly userDataDir?: string;
  /** Makes what the start must find. Called before each attempt: one that is given up may have used it up. */
  readonly prepare?: () => void;
  /** Where it is started, and its processes may write core files; without, they write none. */
  readonly coreFilesIn?: string;
}

/** One running station and what its window has said so far. */
export interface RunningStation {
  readonly app: ElectronApplication;
  readonly page: Page;
  readonly userDataDir: string;
  /** Messages of the window's console, oldest first. */
  readonly consoleTexts: readonly string[];
  /** Everything the processes printed. */
  output(): string;
  close(): Promise<void>;
}

/** The runtime the tests drive; `npm test` finds or fetches it. */
export function electronExecutable(): string {
  const executable = process.env.ELECTRON_EXEC_PATH;
  if (executable === undefined)
    throw new Error('ELECTRON_EXEC_PATH is not set. Run these tests with: npm test -- e2e');
  return executable;
}

/** The environment a station is started with. */
export function stationEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { ELECTRON_RUN_AS_NODE: _never, ...env } = process.env;
  return { ...(env as Record<string, string>), ELECTRON_ENABLE_SECURITY_WARNINGS: '1', ...extra };
}

/** A new folder that {@link RunningStation.close} or the caller removes. */
export function freshFolder(name: string): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), `muster-${name}-`));
}

/** Removes a folder into which a helper of a program that has just ended may still be writing. */
export function removeFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The first is enough on most computers; a slow one gets through with the next. */
const attachLimitsMs = [12_000, 40_000, 90_000] as const;

/**
 * Playwright attaches while the window is being made and, about once in forty starts, misses that its page has
 * arrived and waits for ever, while the app is up and drawn; another start is said aloud.
 */
async function attach(
  launch: (limitMs: number) => Promise<ElectronApplication>,
): Promise<ElectronApplication> {
  for (const limitMs of attachLimitsMs) {
    try {
      return await launch(limitMs);
    } catch (error) {
      const missed = error instanceof Error && error.name === 'TimeoutError';
      if (!missed || limitMs === attachLimitsMs.at(-1)) throw error;
      console.warn(`The debugger did not attach to the app within ${limitMs} ms; starting it once more.`);
    }
  }
  throw new Error('There is no attempt.');
}

/** Starts the real app and waits for its window. */
export async function launchStation(options: LaunchOptions = {}): Promise<RunningStation> {
  const userDataDir = options.userDataDir ?? freshFolder('station');
  const app = await attach(async (limitMs) => {
    options.prepare?.();
    letWriteCoreFiles(options.coreFilesIn !== undefined);
    return await electron.launch({
      executablePath: electronExecutable(),
      args: [appFolder, `--user-data-dir=${userDataDir}`, ...(options.args ?? [])],
      env: stationEnvironment(options.env),
      timeout: limitMs,
      ...(options.coreFilesIn === undefined ? {} : { cwd: options.coreFilesIn }),
    });
  });
  let printed = '';
  // Playwright knows it only as long as the app runs.
  const mainProcess = app.process();
  mainProcess.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  mainProcess.stderr?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const page = await app.firstWindow();
  const consoleTexts: string[] = [];
  page.on('console', (message) => consoleTexts.push(message.text()));
  await page.waitForURL(pageAddress);
  await page.waitForLoadState('load');
  return {
    app,
    page,
    userDataDir,
    consoleTexts,
    output: () => printed,
    close: async () => {
      const { exitCode, signalCode } = mainProcess;
      if (exitCode === null && signalCode === null) await app.close();
      if (options.userDataDir === undefined) removeFolder(userDataDir);
    },
  };
}

/** Calls a channel through the page's own bridge with JSON text as it is. */
export async function invokeRaw(page: Page, channel: string, json: string): Promise<Result<unknown>> {
  const answer = await page.evaluate(
    ([name, text]) => (window as unknown as BridgedWindow).muster.invoke[name]?.(text),
    [channel, json] as const,
  );
  return JSON.parse(answer ?? 'null');
}

/** The state as the window gets it; throws while no engine answers. */
export async function snapshot(page: Page): Promise<StationState> {
  const answer = await invokeRaw(page, 'station.snapshot', 'null');
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.evidence ?? answer.error.says}`);
  return answer.value as StationState;
}

/** Process id of the engine, or undefined while none runs. */
export async function enginePid(app: ElectronApplication): Promise<number | undefined> {
  return await app.evaluate(
    ({ app: electronApp }) =>
      electronApp
        .getAppMetrics()
        .find((metric) => metric.serviceName === 'muster-engine' || metric.name === 'muster-engine')?.pid,
  );
}

/** The bridge, for code that is evaluated in the page. */
export interface BridgedWindow {
  readonly muster: {
    readonly invoke: Readonly<Record<string, (json: string) => Promise<string>>>;
    readonly on: Readonly<Record<string, (listener: (...words: unknown[]) => void) => () => void>>;
  };
}

/** A test with a station of its own. */
export const test = base.extend<{ station: RunningStation }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function needs from this pattern.
  station: async ({}, use) => {
    const station = await launchStation();
    await use(station);
    await station.close();
  },
});
