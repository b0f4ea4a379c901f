import type { Locator, Page } from '@playwright/test';

/** The Board as a person finds it: by names and words, never by looks. */
export class BoardScreenModel {
  readonly #page: Page;
  readonly grid: Locator;
  readonly rows: Locator;
  readonly ruler: Locator;
  readonly panel: Locator;
  readonly drawer: Locator;
  readonly enrolled: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.grid = page.getByRole('grid', { name: 'Devices of the batch' });
    this.rows = page.getByTestId('board-rows');
    this.ruler = page.getByRole('listbox', { name: 'Devices in bench order' });
    this.panel = page.getByRole('complementary', { name: 'What needs you' });
    this.drawer = page.getByRole('dialog');
    this.enrolled = page.getByTestId('enrolled-count');
  }

  /** The row of one device. */
  row(deviceId: string): Locator {
    return this.#page.locator(`[id="board-${deviceId}"]`);
  }

  /** The block of one cause. */
  cause(title: string): Locator {
    return this.panel.getByRole('region', { name: title });
  }

  /** The ids of the drawn rows, from the top. */
  async order(): Promise<string[]> {
    // In one go: rows come, go and are used anew while the table is drawn.
    const found = await this.rows
      .getByRole('row')
      .evaluateAll((rows) =>
        rows.map((row) => ({ place: Number(row.getAttribute('aria-rowindex')), id: row.id })),
      );
    return found.sort((a, b) => a.place - b.place).map(({ id }) => id.replace('board-', ''));
  }
}
