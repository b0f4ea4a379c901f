import pino from 'pino';
import type { Clock, Logger, LogLevel } from '../../engine/ports.ts';
import { printable } from '../../model/printable.ts';
import { plainFields } from './plain-fields.ts';
import { openSizeCappedFile, type SizeCappedFileOptions } from './size-capped-file.ts';

export interface StationLoggerOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** JSON lines, one object a line, in a private file that never grows beyond its limit. */
  readonly file?: SizeCappedFileOptions;
  /** One readable line per event, for a terminal. */
  readonly terminal?: { write(text: string): unknown };
  /** Least level that is written; `info` if not said. */
  readonly level?: LogLevel;
}

/** A logger that is closed at the end of the process. */
export interface StationLogger extends Logger {
  close(): void;
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

function readableValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

/** `12:00:01.250 warn  nats-lost code=NATS_REFUSED`. */
function readableLine(
  atMs: number,
  level: LogLevel,
  event: string,
  fields: Readonly<Record<string, unknown>>,
): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${readableValue(value)}`);
  return `${printable(`${time} ${level.padEnd(5)} ${event}${pairs.join('')}`)}\n`;
}

/** The station's structured log. What cannot be written to the file is dropped: the log never stops the work. */
export function createLogger(options: StationLoggerOptions): StationLogger {
  const { clock, terminal, level: least = 'info' } = options;
  const file = options.file === undefined ? undefined : openSizeCappedFile(options.file);
  let told = false;
  const write = (text: string) => {
    try {
      file?.write(text);
    } catch (thrown) {
      if (!told) terminal?.write(`The log file cannot be written: ${String(thrown)}\n`);
      told = true;
    }
  };
  const json =
    file === undefined
      ? undefined
      : pino(
          {
            level: least,
            base: { pid: process.pid },
            messageKey: 'event',
            timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
            formatters: { level: (label) => ({ level: label }) },
          },
          { write },
        );
  return {
    log: (level, event, fields = {}) => {
      if (ranks[level] < ranks[least]) return;
      const plain = plainFields(fields);
      json?.[level](plain, event);
      terminal?.write(readableLine(clock.nowMs(), level, event, plain));
    },
    close: () => file?.close(),
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = { log: () => undefined };
