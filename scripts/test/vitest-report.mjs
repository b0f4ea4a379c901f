// @ts-check
// Vitest's JSON report, with the errors that belong to no test: of hooks, of files, and of nobody. They fail a run in which
// every test has passed.
import { JsonReporter } from 'vitest/node';

// biome-ignore lint/style/noDefaultExport: Vitest takes a reporter in a file by its default export.
export default class JsonReporterWithErrors extends JsonReporter {
  /** @type {{ place: string, text: string }[]} */
  #errorsBesideTests = [];

  /**
   * @override
   * @param {Parameters<JsonReporter['onTestRunEnd']>[0]} testModules
   * @param {readonly { stack?: string, message?: string }[]} [unhandledErrors]
   */
  async onTestRunEnd(testModules, unhandledErrors = []) {
    this.#errorsBesideTests = [
      ...testModules.flatMap((module) => [
        ...module.errors().map((error) => ({ place: module.moduleId, text: textOf(error) })),
        ...[...module.children.allSuites()].flatMap((suite) =>
          suite.errors().map((error) => ({
            place: module.moduleId,
            text: `${suite.fullName}\n${textOf(error)}`,
          })),
        ),
      ]),
      ...unhandledErrors.map((error) => ({ place: '', text: textOf(error) })),
    ];
    await super.onTestRunEnd(testModules);
  }

  /**
   * @override
   * @param {string} report
   */
  async writeReport(report) {
    const errorsBesideTests = this.#errorsBesideTests;
    await super.writeReport(JSON.stringify({ ...JSON.parse(report), errorsBesideTests }));
  }
}

/** @param {{ stack?: string, message?: string }} error */
function textOf({ stack, message }) {
  return stack || message || 'unknown';
}
