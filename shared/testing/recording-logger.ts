import type { Logger, LogLevel } from '../engine/ports.ts';

/** Keeps what was logged, as the JSON a log file would hold. */
export class RecordingLogger implements Logger {
  readonly entries: { readonly level: LogLevel; readonly event: string; readonly json: string }[] = [];

  log(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.entries.push({ level, event, json: JSON.stringify(fields) });
  }

  events(level?: LogLevel): string[] {
    return this.entries
      .filter((entry) => level === undefined || entry.level === level)
      .map((entry) => entry.event);
  }
}
