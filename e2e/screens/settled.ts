import { expect, type Page } from '@playwright/test';

/** Lets a page draw twice: what an event or a message has set in motion has been rendered by then. */
export async function drawnTwice(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
  );
}

/** What is read of a page once it stays the same from one drawing to the next: places and sizes, above all. */
export async function settled<T>(page: Page, read: () => Promise<T>): Promise<T> {
  let value = await read();
  await expect(async () => {
    await drawnTwice(page);
    const before = value;
    value = await read();
    expect<unknown>(value).toEqual(before);
  }).toPass();
  return value;
}
