import type { Locator, Page } from '@playwright/test';

/** The Bench as a person finds it. */
export class BenchScreenModel {
  readonly scan: Locator;
  readonly grid: Locator;
  readonly rows: Locator;
  readonly panel: Locator;
  readonly start: Locator;
  readonly editor: Locator;
  readonly addThisComputer: Locator;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
    this.scan = page.getByRole('textbox', { name: 'Scan a label or type a device id' });
    this.grid = page.getByRole('grid', { name: 'Devices on the bench' });
    this.rows = page.getByTestId('bench-rows');
    this.panel = page.getByRole('complementary', { name: 'Next batch' });
    this.start = this.panel.getByRole('button', { name: /Enroll batch|to enroll/ });
    this.addThisComputer = page.getByRole('button', { name: 'Add this computer' }).first();
    this.editor = page.getByRole('textbox', { name: 'Device id', exact: true });
  }

  /** A row by the id the engine gave it. */
  row(rowId: string): Locator {
    return this.#page.locator(`[id="bench-${rowId}"]`);
  }
}
