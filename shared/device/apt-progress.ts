import type { StepProgress } from '../model/enrollment.ts';
import { printable } from '../model/printable.ts';

/** The kernel keeps this much of a program's name (TASK_COMM_LEN). */
const MAX_NAME_LENGTH = 15;

/** Counts what apt-get has done out of its own output, and says who it waits for. Feed it line by line. */
export class AptProgress {
  #total: number | undefined;
  #done = 0;

  /** The progress after this line, or undefined when the line says nothing about it. */
  read(line: string): StepProgress | undefined {
    const summary = /^(\d{1,6}) upgraded, (\d{1,6}) newly installed/.exec(line);
    if (summary) {
      this.#total = Number(summary[1]) + Number(summary[2]);
      this.#done = 0;
      return this.#progress();
    }
    if (/^Setting up \S+/.test(line)) {
      this.#done += 1;
      return this.#progress();
    }
    if (/^Waiting for cache lock:|^E: Could not get lock|^Could not get lock/.test(line)) {
      const holder = /held by process \d+ \((.*)\)/.exec(line)?.[1];
      const name = holder === undefined ? '' : printable(holder.slice(0, MAX_NAME_LENGTH));
      return { text: `waits for ${name === '' ? 'apt lock' : name}`, done: undefined, total: undefined };
    }
    return undefined;
  }

  #progress(): StepProgress {
    const done = this.#total === undefined ? this.#done : Math.min(this.#done, this.#total);
    const text = this.#total === undefined ? String(done) : `${done} / ${this.#total}`;
    return { text, done, total: this.#total };
  }
}
