import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  debianImage,
  debianServer,
  debianSource,
  formatOf,
  localImage,
  staysOnHttps,
  sumOf,
} from './image.ts';
import { downloadOrResume } from './resumed-download.ts';

const content = randomBytes(3_000_000);
const sha512 = createHash('sha512').update(content).digest('hex');
const name = 'debian-12-genericcloud-arm64.qcow2';
const hasty = { fruitlessTries: 2, pauseMs: 5, stalledMs: 50_000 };

/** A server that behaves as it is told, and remembers what it was asked for. */
class ImageServer {
  sums = `${'0'.repeat(128)}  other.qcow2\n${sha512}  ${name}\n`;
  sumsStatus = 200;
  body = content;
  knowsRanges = true;
  /** What the client fills. */
  file = '';
  /** After how many bytes of each answer the connection is cut, first to last; then no more. */
  cuts: number[] = [];
  /** After how many bytes of each answer nothing comes any more, first to last. */
  stalls: number[] = [];
  readonly asked: string[] = [];
  readonly #server = http.createServer((request, response) => {
    const range = request.headers.range;
    this.asked.push(`${path.basename(request.url ?? '')}${range ? ` ${range}` : ''}`);
    if (request.url?.endsWith('SHA512SUMS')) {
      response.writeHead(this.sumsStatus).end(this.sums);
      return;
    }
    const from = this.knowsRanges ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    if (from >= this.body.length) {
      response.writeHead(416, { 'content-range': `bytes */${this.body.length}` }).end();
      return;
    }
    const rest = this.body.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${this.body.length - 1}/${this.body.length}` } : {}),
    });
    const [cut, stall] = [this.cuts.shift(), this.stalls.shift()];
    if (stall !== undefined) response.write(rest.subarray(0, stall));
    else if (cut === undefined) response.end(rest);
    else response.write(rest.subarray(0, cut), () => void this.#cut(response, from, cut));
  });

  /** Not before something of it lies in the file: what is still on its way is lost with the connection. */
  async #cut(response: http.ServerResponse, from: number, cut: number): Promise<void> {
    const kept = () => fs.statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    if (cut > 0)
      await vi.waitFor(() => expect(kept()).toBeGreaterThan(from), { timeout: 50_000, interval: 5 });
    response.destroy();
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/images`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const bookworm = { kind: 'debian', release: 'bookworm' } as const;
/** For each wait one: one for the file would end the last of its tests on a slow computer. */
const limit = () => AbortSignal.timeout(50_000);
let folder: string;
let server: ImageServer;
let url: string;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-image-'));
  server = new ImageServer();
  url = await server.start();
  server.file = `${cached()}.part`;
});
afterEach(() => {
  server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const cached = (): string => path.join(folder, `debian-12-genericcloud-arm64.${sha512.slice(0, 16)}.qcow2`);
const fetchImage = () => debianImage(bookworm, folder, { server: url, signal: limit() });

describe("Debian's image", () => {
  test('lies where Debian keeps it', () => {
    expect(debianSource(bookworm)).toEqual({
      folder: 'https://cloud.debian.org/images/cloud/bookworm/latest',
      stem: 'debian-12-genericcloud-arm64',
    });
    expect(debianSource({ kind: 'debian', release: 'trixie', date: '20260112-2355' })).toEqual({
      folder: 'https://cloud.debian.org/images/cloud/trixie/20260112-2355',
      stem: 'debian-13-genericcloud-arm64-20260112-2355',
    });
    expect(debianServer).toMatch(/^https:/);
    expect(staysOnHttps('https://a/x', 'https://b/x')).toBe(true);
    expect(staysOnHttps('https://a/x', 'http://b/x')).toBe(false);
  });

  test('is found in SHA512SUMS by its exact name', () => {
    expect(sumOf(server.sums, name)).toBe(sha512);
    expect(sumOf(server.sums, name.slice(1))).toBeUndefined();
    expect(sumOf(`${sha512}  x${name}\n`, name)).toBeUndefined();
    expect(sumOf(`${sha512.slice(1)}  ${name}\n`, name)).toBeUndefined();
  });

  test('is downloaded, checked, and kept from being written to; then it is there', async () => {
    expect(await fetchImage()).toEqual({ file: cached(), format: 'qcow2' });
    expect(fs.readFileSync(cached()).equals(content)).toBe(true);
    expect(fs.statSync(cached()).mode & 0o222).toBe(0);
    await fetchImage();
    expect(server.asked).toEqual(['SHA512SUMS', name, 'SHA512SUMS']);
  });

  test('is thrown away when it is another one than SHA512SUMS names', async () => {
    server.body = Buffer.from(content);
    server.body[1_500_000] = (server.body[1_500_000] ?? 0) ^ 1;
    await expect(fetchImage()).rejects.toThrow(/not the one that SHA512SUMS names/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('goes on where the connection was cut', async () => {
    server.cuts = [1_000_000, 500_000];
    await fetchImage();
    expect(fs.readFileSync(cached()).equals(content)).toBe(true);
    expect(server.asked[1]).toBe(name);
    const starts = server.asked.slice(2).map((asked) => Number(/bytes=(\d+)-/.exec(asked)?.[1]));
    expect(starts).toHaveLength(2);
    expect(starts[0]).toBeGreaterThan(0);
    expect(starts[1]).toBeGreaterThan(starts[0] ?? 0);
  });

  test('goes on from what an earlier run left', async () => {
    fs.writeFileSync(`${cached()}.part`, content.subarray(0, 2_000_000));
    await fetchImage();
    expect(fs.readFileSync(cached()).equals(content)).toBe(true);
    expect(server.asked).toEqual(['SHA512SUMS', `${name} bytes=2000000-`]);
  });

  test('begins anew when the server cannot go on', async () => {
    server.knowsRanges = false;
    fs.writeFileSync(`${cached()}.part`, content.subarray(0, 2_000_000));
    await fetchImage();
    expect(fs.readFileSync(cached()).equals(content)).toBe(true);
  });

  test('is taken as it is when only the check was missing', async () => {
    fs.writeFileSync(`${cached()}.part`, content);
    await fetchImage();
    expect(fs.readFileSync(cached()).equals(content)).toBe(true);
  });

  test('begins anew when more was left than there is', async () => {
    fs.writeFileSync(`${cached()}.part`, Buffer.concat([content, content]));
    await downloadOrResume(`${url}/${name}`, `${cached()}.part`, limit(), hasty);
    expect(fs.readFileSync(`${cached()}.part`).equals(content)).toBe(true);
  });

  test('keeps what came when it is cut for good', async () => {
    server.cuts = [1_000_000, 0, 0, 0];
    const part = `${cached()}.part`;
    await expect(downloadOrResume(`${url}/${name}`, part, limit(), hasty)).rejects.toThrow(
      /cut again and again/,
    );
    expect(fs.statSync(part).size).toBeGreaterThan(0);
    expect(content.subarray(0, fs.statSync(part).size).equals(fs.readFileSync(part))).toBe(true);
  });

  test('is not waited for when nothing comes any more', async () => {
    // The first try brings a thousand bytes and is followed by a second, which brings none.
    server.stalls = [1_000, 0];
    const patience = { ...hasty, fruitlessTries: 1, stalledMs: 1_500 };
    const download = downloadOrResume(`${url}/${name}`, `${cached()}.part`, limit(), patience);
    await expect(download).rejects.toThrow(/cut again and again \(nothing came for 1\.5 s\)/);
    expect(server.asked).toEqual([name, `${name} bytes=1000-`]);
  });

  test('is the one from before when there is no network, and that needs no second look', async () => {
    await fetchImage();
    server.stop();
    expect(await fetchImage()).toEqual({ file: cached(), format: 'qcow2' });
  });

  test('cannot be had without a network the first time, and the way out is named', async () => {
    server.stop();
    await expect(fetchImage()).rejects.toMatchObject({
      message: expect.stringMatching(/server cannot be used.*no image of it was downloaded before/),
      command: 'npm run vm -- --image FILE',
    });
  });

  test('is refused when the server does not have or does not list it', async () => {
    server.sums = `${sha512}  other.qcow2\n`;
    await expect(fetchImage()).rejects.toThrow(/does not list debian-12-genericcloud-arm64\.qcow2/);
    server.sumsStatus = 404;
    await expect(fetchImage()).rejects.toThrow(/keeps no images of that release and date/);
  });
});

describe("an image of one's own", () => {
  const write = (bytes: Buffer): string => {
    const file = path.join(folder, 'own.img');
    fs.writeFileSync(file, bytes);
    return file;
  };
  const disk = (bytes: number, ...marks: readonly (readonly [number, string])[]): Buffer => {
    const head = Buffer.alloc(bytes);
    for (const [offset, text] of marks) head.write(text, offset, 'latin1');
    return head;
  };

  test('is known by its first bytes', () => {
    expect(localImage(write(disk(8_192, [0, 'QFI\xfb']))).format).toBe('qcow2');
    expect(localImage(write(disk(8_192, [512, 'EFI PART']))).format).toBe('raw');
    expect(localImage(write(disk(8_192, [4_096, 'EFI PART']))).format).toBe('raw');
    expect(localImage(write(disk(8_192, [510, 'U\xaa']))).format).toBe('raw');
    expect(formatOf(Buffer.alloc(8_192))).toBeUndefined();
  });

  test('is refused when it is none', () => {
    expect(() => localImage(path.join(folder, 'nothing'))).toThrow(/There is no image file/);
    expect(() => localImage(folder)).toThrow(/There is no image file/);
    expect(() => localImage(write(Buffer.from('text')))).toThrow(/neither a qcow2 image nor/);
    expect(() => localImage(write(disk(64, [0, '\xfd7zXZ'])))).toThrow(/compressed: unpack it first/);
  });
});
