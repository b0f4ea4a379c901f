import { rmSync } from 'node:fs';
import path from 'node:path';
import type { ElectronApplication, Page } from '@playwright/test';
import type { RehearsalDeviceRequest } from '../lab/devices/model.ts';
import { approveAsLabOperator } from '../lab/identity/operator-walk.ts';
import { type Lab, type LabOptions, startLab } from '../lab/lab.ts';
import { findNatsServer } from '../lab/nats/testing/find-nats-server.ts';
import { appFolder, expect, freshFolder, snapshot } from './fixtures.ts';

/** A lab in the test's own process, so that a test can give its devices faults and look at them from outside. */
export async function startLabBehind(
  devices: readonly RehearsalDeviceRequest[],
  options: Partial<LabOptions> = {},
): Promise<{ readonly lab: Lab; stop(): Promise<void> }> {
  const natsServer = findNatsServer();
  if (natsServer === undefined)
    throw new Error('There is no nats-server here. Run these tests with: npm test -- e2e');
  const dir = freshFolder('lab');
  const lab = await startLab({
    ...{ dir: path.join(dir, 'lab'), projectRoot: appFolder, natsServer, devices },
    ...{ signal: new AbortController().signal, aptSeconds: 0.2, heartbeatLimitSeconds: 90 },
    ...options,
  });
  return {
    lab,
    stop: async () => {
      await lab.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** There is no browser on a test machine: keeps what the station asks the system to open. */
export async function keepOpenedPages(app: ElectronApplication): Promise<void> {
  await app.evaluate(({ shell }) => {
    const kept = globalThis as unknown as { openedPages: string[] };
    kept.openedPages = [];
    shell.openExternal = async (url: string) => {
      kept.openedPages.push(url);
    };
  });
}

/** The pages {@link keepOpenedPages} has kept. */
export async function openedPages(app: ElectronApplication): Promise<string[]> {
  return app.evaluate(() => (globalThis as unknown as { openedPages: string[] }).openedPages);
}

/** Presses Sign in; the lab's operator approves the code on the page the station opened. */
export async function signIn(app: ElectronApplication, page: Page): Promise<void> {
  await keepOpenedPages(app);
  await page.getByRole('region', { name: 'Sign in' }).getByRole('button', { name: 'Sign in' }).click();
  await expect.poll(async () => (await openedPages(app)).length).toBe(1);
  const [verificationUriComplete = ''] = await openedPages(app);
  await approveAsLabOperator({ verificationUriComplete, signal: AbortSignal.timeout(60_000) });
  await expect.poll(async () => (await snapshot(page)).session.state).toBe('signed-in');
}
