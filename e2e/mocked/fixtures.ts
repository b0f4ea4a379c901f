import path from 'node:path';
import {
  test as base,
  type ElectronApplication,
  _electron as electron,
  expect,
  type Locator,
  type Page,
} from '@playwright/test';
import { invokeChannelNames } from '#shared/contract/channel-names.ts';
import type { InvokeChannel, NotifyChannel, Output, Payload } from '#shared/contract/ipc.ts';
import type { ErrorView } from '#shared/errors/enrollment-error.ts';
import type { StationState } from '#shared/model/station-state.ts';
import { securityHeaders } from '../../electron/main/content-security-policy.ts';
import { letWriteCoreFiles } from '../canary/core-limit.ts';
import { drawnTwice } from '../screens/settled.ts';
import { now } from './states/batch.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Chromium has no sandbox for root. */
const sandboxSwitches = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

interface FakeMain {
  answers: Record<string, string>;
  calls: { channel: string; json: string }[];
  open(options: unknown): Promise<void>;
  send(channel: string, json: string): void;
  window: { setContentSize(width: number, height: number): void } | undefined;
}

declare global {
  var fakeMain: FakeMain;
}

export interface Looks {
  readonly theme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
}

/** The window of the product in front of a main process that only answers what a test told it. */
export class MockedStation {
  readonly page: Page;
  readonly #app: ElectronApplication;
  readonly #complaints: string[];
  #revision = 1;

  constructor(app: ElectronApplication, page: Page, complaints: string[]) {
    this.#app = app;
    this.page = page;
    this.#complaints = complaints;
  }

  /** Loads the window anew on a state. */
  async show(state: StationState, { theme = 'dark', width = 1440, height = 900 }: Looks = {}): Promise<void> {
    this.#revision = state.revision;
    this.#complaints.length = 0;
    await this.#app.evaluate(
      (_electron, given) => {
        fakeMain.answers = {
          'station.snapshot': given.snapshot,
          'profile.list': given.profiles,
          'setup.leaveScreen': given.setUp,
        };
        fakeMain.window?.setContentSize(given.width, given.height);
      },
      {
        snapshot: JSON.stringify({ ok: true, value: state }),
        profiles: JSON.stringify({ ok: true, value: { profiles: [] } }),
        setUp: JSON.stringify({ ok: true, value: { state: 'idle' } }),
        ...{ width, height },
      },
    );
    await this.page.emulateMedia({ colorScheme: theme });
    await this.page.reload();
    // The display resizes windows when it comes to it.
    await expect
      .poll(() => this.page.evaluate(() => [window.innerWidth, window.innerHeight]))
      .toEqual([width, height]);
    await expect(this.page.locator('main')).not.toContainText('Asking the engine');
    await this.page.evaluate(() => document.fonts.ready);
  }

  /** Sets the answer of a channel. */
  async answer<C extends InvokeChannel>(channel: C, value: Output<C>): Promise<void> {
    await this.#setAnswer(channel, JSON.stringify({ ok: true, value }));
  }

  /** Makes a channel fail. */
  async fail(channel: InvokeChannel, error: ErrorView): Promise<void> {
    await this.#setAnswer(channel, JSON.stringify({ ok: false, error }));
  }

  /** Makes a channel answer with any text. */
  async #setAnswer(channel: string, json: string): Promise<void> {
    await this.#app.evaluate(
      (_electron, [name, text]) => {
        fakeMain.answers[name as string] = text as string;
      },
      [channel, json],
    );
  }

  /** Sends a message of the engine. */
  async send<C extends NotifyChannel>(channel: C, payload: Payload<C>): Promise<void> {
    await this.#app.evaluate(
      (_electron, [name, json]) => fakeMain.send(name as string, json as string),
      [channel, JSON.stringify(payload)],
    );
  }

  /** Sends changes of the state, with the next revision. */
  async change(part: Omit<Payload<'station.delta'>, 'revision'>): Promise<void> {
    this.#revision += 1;
    await this.send('station.delta', { revision: this.#revision, ...part });
  }

  /** Pixels of a part of the window as it is drawn, BGRA. */
  async bitmapOf(part: Locator): Promise<{ width: number; height: number; data: Uint8Array }> {
    const png = (await part.screenshot({ animations: 'disabled' })).toString('base64');
    const { bitmap, ...size } = await this.#app.evaluate(({ nativeImage }, text) => {
      const image = nativeImage.createFromBuffer(Buffer.from(text, 'base64'));
      return { ...image.getSize(), bitmap: image.toBitmap().toString('base64') };
    }, png);
    return { ...size, data: new Uint8Array(Buffer.from(bitmap, 'base64')) };
  }

  /**
   * What the window asked on one channel since it was loaded. What the page did before is in: it has drawn, and a request made after
   * that has been answered.
   */
  async asked(channel: InvokeChannel): Promise<unknown[]> {
    await drawnTwice(this.page);
    await this.page.evaluate(async () => {
      const { muster } = window as unknown as {
        muster: { invoke: Record<string, (json: string) => Promise<string>> };
      };
      await muster.invoke['station.snapshot']?.('null');
    });
    const calls = await this.#app.evaluate(() => fakeMain.calls);
    return calls.filter((call) => call.channel === channel).map((call) => JSON.parse(call.json) as unknown);
  }

  /** Console errors and violations of the content security policy since the window was loaded. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }
}

/** Chromium's remark on a policy's `sandbox`, meant for frames in a page of the same origin; ours is the page itself. */
const SANDBOX_REMARK = 'An iframe which has both allow-scripts and allow-same-origin';

export const test = base.extend<{ station: MockedStation }, { window: MockedStation }>({
  window: [
    async ({ browserName: _browser }, use) => {
      const executablePath = process.env.ELECTRON_EXEC_PATH;
      letWriteCoreFiles(false);
      const app = await electron.launch({
        args: [...sandboxSwitches, path.join(import.meta.dirname, 'fake-main.cjs')],
        ...(executablePath === undefined ? {} : { executablePath }),
        timeout: 120_000,
      });
      const opened = app.evaluate((_electron, options) => fakeMain.open(options), {
        folder: path.join(root, 'out/renderer'),
        preload: path.join(root, 'out/preload/index.cjs'),
        headers: securityHeaders,
        channels: invokeChannelNames,
      });
      const page = await app.firstWindow();
      await opened.catch(() => undefined);
      const complaints: string[] = [];
      page.on('console', (message) => {
        const isComplaint = message.type() === 'error' || message.type() === 'warning';
        if (isComplaint && !message.text().startsWith(SANDBOX_REMARK)) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.clock.setFixedTime(now);
      await use(new MockedStation(app, page, complaints));
      await app.close();
    },
    { scope: 'worker' },
  ],
  station: async ({ window }, use) => {
    await use(window);
    expect(window.complaints, 'console errors and policy violations').toEqual([]);
  },
});

export { expect };
