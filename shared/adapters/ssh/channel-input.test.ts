import { Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { expect, it } from 'vitest';
import type { Clock } from '../../engine/ports.ts';
import { systemClock } from '../system/clock.ts';
import { createChannelInput } from './channel-input.ts';

/** A stream that takes nothing until it is told to. */
function slowStream() {
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 64 * 1024,
    write: (_bytes, _encoding, done) => void waiting.push(done),
  });
  const take = () => {
    for (const done of waiting.splice(0)) done();
  };
  return { stream, take };
}

/** A channel that hands everything on to the link at once, as ssh2 does while the window is open. */
function openChannel(link: Writable) {
  return new Writable({
    write: (bytes, _encoding, done) => {
      link.write(bytes);
      done();
    },
  }) as unknown as ClientChannel;
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const marker = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(() => resolve(marker)));
  return (await Promise.race([promise, turn])) !== marker;
}

it('waits for the link once more waits in memory than keeps it busy', async () => {
  const { stream: link, take } = slowStream();
  const input = createChannelInput(openChannel(link), link, systemClock);
  expect(await settled(input.write(Buffer.alloc(200_000)))).toBe(true);
  const second = input.write(Buffer.alloc(200_000));
  expect(await settled(second)).toBe(false);
  while (link.writableLength > 0) {
    take();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await settled(second)).toBe(true);
});

it('waits no longer when the channel is closed', async () => {
  const { stream: link } = slowStream();
  const channel = openChannel(link);
  const input = createChannelInput(channel, link, systemClock);
  const waiting = input.write(Buffer.alloc(400_000));
  expect(await settled(waiting)).toBe(false);
  channel.emit('close');
  expect(await settled(waiting)).toBe(true);
  expect(input.isOpen).toBe(false);
  expect(await settled(input.write(Buffer.alloc(10)))).toBe(true);
});

it('waits no longer when a closed channel never takes what was written', async () => {
  const { stream } = slowStream();
  const channel = stream as unknown as ClientChannel;
  const waiting = createChannelInput(channel, undefined, systemClock).write(Buffer.alloc(10));
  expect(await settled(waiting)).toBe(false);
  channel.emit('close');
  expect(await settled(waiting)).toBe(true);
});

it('runs no further ahead of what the device confirms than it has confirmed, unless it keeps silent', async () => {
  const ends: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (_ms, end) => {
      ends.push(end);
      return () => undefined;
    },
  };
  const farSide = { window: 2 * 1024 * 1024 };
  const channel = new Writable({
    write: (bytes, _encoding, done) => {
      farSide.window -= bytes.length;
      done();
    },
  });
  const input = createChannelInput(Object.assign(channel, { outgoing: farSide }) as never, undefined, clock);
  expect(await settled(input.write(Buffer.alloc(100_000)))).toBe(true);
  const second = input.write(Buffer.alloc(100_000));
  expect(await settled(second)).toBe(false);
  farSide.window += 25_000;
  expect(await settled(second)).toBe(false);
  farSide.window += 50_000;
  expect(await settled(second)).toBe(true);
  expect(farSide.window).toBe(2 * 1024 * 1024 - 200_000 + 75_000);
  const third = input.write(Buffer.alloc(150_000));
  expect(await settled(third)).toBe(false);
  ends.at(-1)?.();
  expect(await settled(third)).toBe(true);
});
