// A large download that goes on where it was cut, within one run and from one run to the next.
import fs from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupProblem, say } from '../setup/report.mjs';

/** How patient a download is; shorter in tests. */
export interface Patience {
  /** Tries in a row that bring nothing. */
  readonly fruitlessTries: number;
  readonly pauseMs: number;
  /** A download from which nothing comes for this long is cut. */
  readonly stalledMs: number;
}

const usualPatience: Patience = { fruitlessTries: 3, pauseMs: 2_000, stalledMs: 60_000 };
const mebibyte = 1024 * 1024;

/**
 * Fills a file from an address, starting behind what it holds already. What it then holds has to be checked: a file
 * that changed on the server between two tries is put together wrongly.
 * @throws {SetupProblem} when it is cut again and again (what came so far stays), or the server refuses
 */
export async function downloadOrResume(
  url: string,
  file: string,
  signal: AbortSignal,
  patience: Patience = usualPatience,
): Promise<void> {
  let fruitless = 0;
  for (;;) {
    const before = sizeOf(file);
    try {
      await fetchRest(url, file, signal, patience.stalledMs);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SetupProblem) throw error;
      fruitless = sizeOf(file) > before ? 0 : fruitless + 1;
      if (fruitless >= patience.fruitlessTries) {
        throw new SetupProblem(
          `The download of ${url} is cut again and again (${reasonOf(error)}). What came so far is kept: the next run goes on there.`,
        );
      }
      say('vm', `the download was cut at ${inMiB(sizeOf(file))} MiB, going on`);
      await pause(patience.pauseMs, undefined, { signal });
    }
  }
}

async function fetchRest(url: string, file: string, signal: AbortSignal, stalledMs: number): Promise<void> {
  const have = sizeOf(file);
  const stalled = new AbortController();
  const timer = setTimeout(
    () => stalled.abort(new Error(`nothing came for ${stalledMs / 1_000} s`)),
    stalledMs,
  );
  try {
    const answer = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) },
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    if (answer.status === 416) {
      await answer.body?.cancel();
      // Nothing lies behind what is here. Either it is whole, or longer than the file: then it is none of its.
      const whole = Number(/^bytes \*\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1]);
      if (whole === have) return;
      fs.rmSync(file, { force: true });
      throw new Error('what was kept of it does not fit the file on the server');
    }
    if (!answer.ok || !answer.body) throw new SetupProblem(`${url} answers ${answer.status}.`);
    const goesOn = answer.status === 206 && answer.headers.get('content-range')?.startsWith(`bytes ${have}-`);
    if (answer.status === 206 && !goesOn)
      throw new SetupProblem(`${url} answers with another part than was asked for.`);
    const from = goesOn ? have : 0;
    const total = from + Number(answer.headers.get('content-length') ?? Number.NaN);
    if (from > 0) say('vm', `going on at ${inMiB(from)} MiB of ${inMiB(total)} MiB`);
    const meter = progress(from, total, () => timer.refresh());
    const body = Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream);
    await pipeline(body, meter, fs.createWriteStream(file, { flags: from > 0 ? 'a' : 'w' }));
    if (sizeOf(file) < total) throw new Error(`it ended at ${sizeOf(file)} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets bytes through, reports that they flow, and says a line at every tenth. */
function progress(from: number, total: number, flows: () => void): Transform {
  let done = from;
  let nextTenth = Math.floor((from / total) * 10) + 1;
  return new Transform({
    transform(chunk: Buffer, _encoding, give) {
      flows();
      done += chunk.length;
      if (total > 10 * mebibyte && done >= (total * nextTenth) / 10) {
        nextTenth = Math.floor((done / total) * 10) + 1;
        say('vm', `${inMiB(done)} of ${inMiB(total)} MiB`);
      }
      give(null, chunk);
    },
  });
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function inMiB(bytes: number): string {
  return Number.isNaN(bytes) ? '?' : String(Math.round(bytes / mebibyte));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
