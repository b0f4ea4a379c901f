import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createElevationGate } from './elevation-gate.ts';

const marks = { prompt: 'muster-asks-01', ready: 'muster-ready-01' };

/** The bytes in packets of these sizes, over and over. */
function packets(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sizes[parts.length % sizes.length] ?? 1;
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

it('takes its marks out of any bytes, however they are packed', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
      (before, after, sizes) => {
        const gate = createElevationGate(marks);
        // What the script prints later is the script's, even when it looks like the mark.
        const output = Buffer.concat([
          before,
          Buffer.from('muster-ready-01\n'),
          after,
          Buffer.from('muster-ready-01\n'),
        ]);
        const stdout = packets(output, sizes).map((part) => gate.stdout(part));
        const errors = Buffer.concat([Buffer.from('muster-asks-01'), before, Buffer.from('muster-ask')]);
        const stderr = packets(errors, sizes).map((part) => gate.stderr(part));
        const rest = gate.finish();
        expect(Buffer.concat([...stdout, rest.stdout])).toEqual(
          Buffer.concat([before, after, Buffer.from('muster-ready-01\n')]),
        );
        expect(Buffer.concat([...stderr, rest.stderr])).toEqual(
          Buffer.concat([before, Buffer.from('muster-ask')]),
        );
        expect(gate.started).toBe(true);
      },
    ),
  );
});

it.each([
  ['asks a second time', ['muster-asks-01', '\nNoch einmal.\nmuster-', 'asks-01']],
  ['refuses after a prompt of its own', ['OTP: Sorry, try', ' again.\n']],
])('a sudo that %s gets nothing more', async (_title, printed) => {
  const gate = createElevationGate(marks);
  for (const text of printed) gate.stderr(Buffer.from(text));
  expect(await gate.answer).toBe('asks-again');
  expect(gate.started).toBe(false);
});
