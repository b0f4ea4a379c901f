import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressBook } from './address-book.ts';
import type { RehearsalDevice } from './model.ts';
import { Bench } from './testing/bench.ts';

/** A station keeps the host key of every address it met: what it knows must stay true at the lab's next start. */
describe('addresses across starts of one lab', () => {
  let dir: string;
  let bench: Bench;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rehearsal-'));
    bench = new Bench();
  });
  afterEach(async () => {
    await bench.putAway();
    await rm(dir, { recursive: true, force: true });
  });

  const start = (count: number) =>
    bench.start({
      mode: 'prefix',
      dir: join(dir, 'devices'),
      addressBook: join(dir, 'addresses.json'),
      count,
    });
  const addresses = (devices: readonly RehearsalDevice[]) =>
    devices.map(({ name, port, hostKeyFingerprint }) => ({ name, port, hostKeyFingerprint }));
  const stopAll = (devices: readonly RehearsalDevice[]) =>
    Promise.all(devices.map((device) => device.stop()));

  it('two starts give the same ports and keys, and the devices are new', async () => {
    const first = await start(3);
    await writeFile(join(first[0]?.root ?? '', 'etc/mark'), '');
    const before = addresses(first);
    expect(new Set(before.map(({ hostKeyFingerprint }) => hostKeyFingerprint)).size).toBe(3);
    await stopAll(first);
    const second = await start(3);
    expect(addresses(second)).toEqual(before);
    await expect(stat(join(second[0]?.root ?? '', 'etc/mark'))).rejects.toThrow('ENOENT');
    expect((await stat(join(dir, 'addresses.json'))).mode & 0o777).toBe(0o600);
    // A smaller lab in between changes nothing for the others.
    await stopAll(second);
    await stopAll(await start(1));
    expect(addresses(await start(3))).toEqual(before);
  });

  it('a port that somebody else has taken is replaced, and the key stays', async () => {
    const first = await start(2);
    const before = addresses(first);
    await stopAll(first);
    const other = createServer();
    other.listen(before[0]?.port, first[0]?.host);
    await once(other, 'listening');
    const second = await start(2);
    const after = addresses(second);
    other.close();
    expect(after[1]).toEqual(before[1]);
    expect(after[0]?.hostKeyFingerprint).toBe(before[0]?.hostKeyFingerprint);
    expect(before.map(({ port }) => port)).not.toContain(after[0]?.port);
    // From now on it is the device's port.
    await stopAll(second);
    expect(addresses(await start(2))).toEqual(after);
  });

  it('a port never goes to another device, not even that of a device that is gone', async () => {
    const file = join(dir, 'addresses.json');
    const book = await AddressBook.open(file);
    expect(book.take('bench-01', 4000)).toBe(true);
    expect(book.take('bench-01', 4001)).toBe(true);
    await book.save();
    const later = await AddressBook.open(file);
    expect(later.lastPort('bench-01')).toBe(4001);
    for (const port of [4000, 4001]) expect(later.take('bench-02', port)).toBe(false);
    expect(later.take('bench-01', 4000)).toBe(true);
    expect(later.lastPort('bench-02')).toBeUndefined();
  });

  it('a damaged file says so', async () => {
    await writeFile(join(dir, 'addresses.json'), '{"hostKeys":');
    await expect(start(1)).rejects.toThrow(/addresses\.json is damaged\. Remove the folder/);
    expect(await readFile(join(dir, 'addresses.json'), 'utf8')).toBe('{"hostKeys":');
  });
});
