import type { StepProgress } from '../model/enrollment.ts';

/** Counts what apt-get has done out of its own output. Feed it line by line. */
export class AptProgress {
  #total: number | undefined;
  #done = 0;

  /** The progress after this line, or undefined when the line says nothing about it. */
  read(line: string): StepProgress | undefined {
    const summary = /^(\d+) upgraded, (\d+) newly installed/.exec(line);
    if (summary) {
      this.#total = Number(summary[1]) + Number(summary[2]);
      this.#done = 0;
      return this.#progress();
    }
    if (/^Setting up \S+/.test(line)) {
      this.#done += 1;
      return this.#progress();
    }
    if (/^Waiting for cache lock:|^Could not get lock/.test(line)) {
      return { text: 'apt lock', done: undefined, total: undefined };
    }
    return undefined;
  }

  #progress(): StepProgress {
    const done = this.#total === undefined ? this.#done : Math.min(this.#done, this.#total);
    const text = this.#total === undefined ? String(done) : `${done} / ${this.#total}`;
    return { text, done, total: this.#total };
  }
}
