import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { appFolder } from './fixtures.ts';

const folder = path.join(appFolder, 'test-results', 'screens');

/**
 * Takes a picture of the window for people to look at. `documented`: the README shows it; it is refreshed in docs/
 * where MUSTER_UPDATE_IMAGES is set.
 */
export async function picture(page: Page, name: string, documented = false): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.png`);
  // Fades and slides are over before the picture is taken.
  await page.evaluate(async () => {
    await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  });
  await page.screenshot({ path: file });
  if (documented && process.env.MUSTER_UPDATE_IMAGES) {
    mkdirSync(path.join(appFolder, 'docs/images'), { recursive: true });
    copyFileSync(file, path.join(appFolder, 'docs/images', `${name}.png`));
  }
}
