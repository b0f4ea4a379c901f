import path from 'node:path';
import { expect, type MockedStation, test } from './fixtures.ts';
import { scenes } from './scenes.ts';

const pictures = path.resolve(import.meta.dirname, '../../test-results/screens');

const sizes = [
  [1440, 900],
  [1120, 700],
] as const;

for (const scene of scenes) {
  for (const [width, height] of sizes) {
    for (const theme of ['dark', 'light'] as const) {
      test(`${scene.name} at ${width}×${height}, ${theme}`, async ({ station }) => {
        await station.show(scene.state, { theme, width, height });
        await scene.arrange?.(station);
        await expectNothingCut(station);
        const file = path.join(pictures, `${scene.name}-${width}-${theme}.png`);
        await station.page.screenshot({ path: file, animations: 'disabled' });
      });
    }
  }
}

/** The page itself never scrolls, and no button or head of a table is cut off. */
async function expectNothingCut({ page }: MockedStation): Promise<void> {
  const findCut = () =>
    page.evaluate(() => {
      const outside = [...document.querySelectorAll('button, input, [role="columnheader"]')].filter(
        (element) => {
          if (element.closest('.scroll, .grid-scroll') !== null) return false;
          const box = element.getBoundingClientRect();
          const seen = box.width > 1 && getComputedStyle(element).visibility === 'visible';
          return seen && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1);
        },
      );
      const { scrollWidth, scrollHeight } = document.documentElement;
      const scrolls = scrollWidth > innerWidth || scrollHeight > innerHeight;
      return [...outside.map((element) => element.outerHTML.slice(0, 120)), ...(scrolls ? ['the page'] : [])];
    });
  // A drawer is outside for the moment in which it slides in.
  await expect.poll(findCut).toEqual([]);
}
