// @ts-check
// Vitest's JSON report, with the errors that belong to no test: they fail a run in which every test has passed.
import { stripVTControlCharacters } from 'node:util';
import { JsonReporter } from 'vitest/node';

// biome-ignore lint/style/noDefaultExport: Vitest takes a reporter in a file by its default export.
export default class JsonReporterWithErrors extends JsonReporter {
  /** @type {string[]} */
  #unhandledErrors = [];

  /**
   * @override
   * @param {Parameters<JsonReporter['onTestRunEnd']>[0]} testModules
   * @param {readonly { stack?: string, message?: string }[]} [unhandledErrors]
   */
  async onTestRunEnd(testModules, unhandledErrors = []) {
    this.#unhandledErrors = unhandledErrors.map(({ stack, message }) => stack ?? message ?? 'unknown');
    await super.onTestRunEnd(testModules);
  }

  /**
   * @override
   * @param {string} report
   */
  async writeReport(report) {
    const unhandledErrors = this.#unhandledErrors.map((error) => stripVTControlCharacters(error));
    await super.writeReport(JSON.stringify({ ...JSON.parse(report), unhandledErrors }));
  }
}
