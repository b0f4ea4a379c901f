/** One measured number with the goal it is held against. */
export interface Metric {
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** Same unit as the value; absent when nothing is promised yet. */
  readonly goal?: number;
  readonly better: 'lower' | 'higher';
}

/** A file e2e/bench/<name>.bench.ts exports this. */
export interface Bench {
  readonly name: string;
  readonly run: () => Promise<readonly Metric[]>;
}

/** True when the value reaches its goal; a metric without a goal is always fine. */
export function reachesGoal({ value, goal, better }: Metric): boolean {
  if (goal === undefined) return true;
  return better === 'lower' ? value <= goal : value >= goal;
}

/** The rows of bench-results/<name>.json; `goal` is null where there is none. */
export function resultRows(metrics: readonly Metric[]) {
  return metrics.map((metric) => ({
    metric: metric.metric,
    value: rounded(metric.value),
    unit: metric.unit,
    goal: metric.goal ?? null,
    better: metric.better,
    ok: reachesGoal(metric),
  }));
}

/** The same as a table for people, a missed goal marked. */
export function resultTable(name: string, metrics: readonly Metric[]): string {
  const rows = metrics.map((metric) => [
    metric.metric,
    `${rounded(metric.value)} ${metric.unit}`,
    metric.goal === undefined ? '' : `${metric.better === 'lower' ? 'at most' : 'at least'} ${metric.goal}`,
    reachesGoal(metric) ? '' : 'MISSED',
  ]);
  const all = [[name, 'measured', 'goal', ''], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
