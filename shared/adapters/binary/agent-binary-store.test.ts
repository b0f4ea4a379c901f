import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBinary } from '../../engine/ports.ts';
import { createAgentBinaryStore, type FileAgentBinaryStore } from './agent-binary-store.ts';

const signal = new AbortController().signal;
const X86_64 = Buffer.from('7f454c4602010100'.padEnd(32, '0') + '02003e00'.padEnd(96, '0'), 'hex');

let folder: string;
let store: FileAgentBinaryStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-binary-'));
  store = createAgentBinaryStore();
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string, content: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const bytesOf = async (binary: AgentBinary) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of binary.chunks()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

describe('agent binary store', () => {
  it('gives hash, size and the same bytes to every device', async () => {
    const content = Buffer.concat([X86_64, Buffer.alloc(700_000, 'agent')]);
    const path = file('agent', content);
    const opened = await Promise.all(Array.from({ length: 5 }, () => store.open(path, 'x86_64', signal)));
    for (const binary of opened)
      expect(binary).toMatchObject({ sizeBytes: content.length, sha256: sha256(content) });
    const sent = await Promise.all(opened.map(bytesOf));
    expect(sent.every((bytes) => bytes.equals(content))).toBe(true);
  });

  it('keeps a piece as it is while the next one is read', async () => {
    const content = Buffer.concat([X86_64, randomBytes(900_000)]);
    const binary = await store.open(file('agent', content), 'x86_64', signal);
    const pieces = binary.chunks()[Symbol.asyncIterator]();
    let at = 0;
    let [piece, next] = [await pieces.next(), pieces.next()];
    while (!piece.done) {
      const following = await next;
      expect(content.subarray(at, at + piece.value.length).equals(piece.value)).toBe(true);
      at += piece.value.length;
      piece = following;
      next = pieces.next();
    }
    expect(at).toBe(content.length);
  });

  it('sends what was hashed even when the file is replaced afterwards', async () => {
    const approved = Buffer.concat([X86_64, Buffer.from('approved')]);
    const path = file('agent', approved);
    const binary = await store.open(path, 'x86_64', signal);
    renameSync(file('other', Buffer.concat([X86_64, Buffer.from('swapped!')])), path);
    expect(sha256(await bytesOf(binary))).toBe(binary.sha256);
    expect((await store.open(path, 'x86_64', signal)).sha256).not.toBe(binary.sha256);
  });

  it('notices a file that grew', async () => {
    const path = file('agent', X86_64);
    const first = await store.open(path, 'x86_64', signal);
    appendFileSync(path, 'more');
    const second = await store.open(path, 'x86_64', signal);
    expect(second.sizeBytes).toBe(first.sizeBytes + 4);
    expect(second.sha256).not.toBe(first.sha256);
  });

  it('says what is wrong with a file, and works once it is right', async () => {
    await expect(store.open(join(folder, 'none'), 'x86_64', signal)).rejects.toMatchObject({
      code: 'AGENT_BINARY_MISSING',
      details: { architecture: 'x86_64' },
    });
    await expect(store.open(folder, 'x86_64', signal)).rejects.toMatchObject({
      code: 'AGENT_BINARY_MISSING',
    });
    const path = file('agent', Buffer.from('#!/bin/sh\n'));
    await expect(store.open(path, 'x86_64', signal)).rejects.toMatchObject({ code: 'AGENT_BINARY_NOT_ELF' });
    writeFileSync(path, X86_64);
    await expect(store.open(path, 'aarch64', signal)).rejects.toMatchObject({
      code: 'AGENT_BINARY_WRONG_ARCHITECTURE',
      details: { actual: 'x86_64', expected: 'aarch64' },
    });
    expect((await store.open(path, 'x86_64', signal)).architecture).toBe('x86_64');
  });
});
