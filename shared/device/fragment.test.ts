import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runShell, type ShellRun } from '../testing/run-shell.ts';
import { composeTrip, defineFragment, parseTripLine, type Segment, type TripLine } from './fragment.ts';

const NONCE = 'c0ffee00c0ffee00';

function read(output: string): TripLine[] {
  return output
    .split('\n')
    .map((line) => parseTripLine(line, NONCE))
    .filter((line) => line.kind !== 'output' || line.text !== '');
}

describe('parseTripLine', () => {
  it.each([
    [`@${NONCE} step user`, { kind: 'step', step: 'user' }],
    [`@${NONCE} run a b`, { kind: 'run', shows: 'a b' }],
    [`@${NONCE} exit 0`, { kind: 'exit', status: 0 }],
    [`@${NONCE} exit 127`, { kind: 'exit', status: 127 }],
    [`@${NONCE} finished user`, { kind: 'finished', step: 'user' }],
  ])('reads the mark %j', (line, expected) => {
    expect(parseTripLine(line, NONCE)).toEqual(expected);
  });

  it.each([
    '@other step user',
    `@${NONCE} exit`,
    `@${NONCE} exit -1`,
    `@${NONCE} exit 0; rm`,
    `@${NONCE} exit 1234`,
    `@${NONCE} reboot now`,
    ` @${NONCE} step user`,
    `x@${NONCE} step user`,
  ])('takes %j for output', (text) => {
    expect(parseTripLine(text, NONCE)).toEqual({ kind: 'output', text });
  });

  it('takes any text without the nonce for output, unchanged', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `@aaaa step ${rest}`),
    );
    fc.assert(fc.property(text, (line) => parseTripLine(line, NONCE).kind === 'output'));
  });
});

describe.each(['/bin/sh', '/bin/bash'])('a trip in %s', (shell) => {
  const run = (segments: readonly Segment<string>[], payload?: string): ShellRun =>
    runShell(composeTrip('test', NONCE, segments).script, {
      shell,
      ...(payload === undefined ? {} : { payload }),
    });

  it('marks where every step and act begins and how it ended', () => {
    const { status, stdout } = run([
      {
        step: 'one',
        fragments: [defineFragment('first', 'echo hello'), defineFragment('second', 'echo oops >&2')],
      },
      { step: 'two', fragments: [defineFragment("third 'quoted'", 'true')] },
    ]);
    expect(status).toBe(0);
    expect(read(stdout)).toEqual([
      { kind: 'step', step: 'one' },
      { kind: 'run', shows: 'first' },
      { kind: 'output', text: 'hello' },
      { kind: 'exit', status: 0 },
      { kind: 'run', shows: 'second' },
      { kind: 'output', text: 'oops' },
      { kind: 'exit', status: 0 },
      { kind: 'finished', step: 'one' },
      { kind: 'step', step: 'two' },
      { kind: 'run', shows: "third 'quoted'" },
      { kind: 'exit', status: 0 },
      { kind: 'finished', step: 'two' },
    ]);
  });

  it.each([
    ['exit 7', 7],
    ['false\necho not reached', 1],
    ['echo "$NOT_SET"', undefined],
    ['no-such-command', 127],
    ['kill -9 $$', undefined],
  ])('stops at the first failure (%j) and passes its status on', (script, expected) => {
    const { status, stdout } = run([
      {
        step: 'one',
        fragments: [defineFragment('fails', script), defineFragment('after', 'echo not reached')],
      },
      { step: 'two', fragments: [defineFragment('later', 'echo not reached')] },
    ]);
    expect(status).not.toBe(0);
    if (expected !== undefined) expect(status).toBe(expected);
    const lines = read(stdout);
    expect(lines.some((line) => line.kind === 'finished')).toBe(false);
    expect(lines.some((line) => line.kind === 'output' && line.text === 'not reached')).toBe(false);
    expect(lines.filter((line) => line.kind === 'run')).toHaveLength(1);
  });

  it('gives the payload, byte for byte, to the one fragment that reads it', () => {
    const payload = `line 1\n'"$(reboot)\`\\ ü\n${'x'.repeat(100_000)}`;
    const size = Buffer.byteLength(payload);
    const { status, stdout } = run(
      [
        { step: 'one', fragments: [defineFragment('eats', 'cat; echo eaten')] },
        { step: 'two', fragments: [defineFragment('reads', `head -c ${size} | sha256sum`, true)] },
        { step: 'three', fragments: [defineFragment('eats', 'cat; echo eaten')] },
      ],
      payload,
    );
    expect(status).toBe(0);
    const hash = runShell('sha256sum', { payload }).stdout.trim();
    expect(read(stdout).filter((line) => line.kind === 'output')).toEqual([
      ...[
        { kind: 'output', text: 'eaten' },
        { kind: 'output', text: hash },
      ],
      { kind: 'output', text: 'eaten' },
    ]);
  });

  it('does not let output pass for a mark, not even without a newline at its end', () => {
    const forge = `printf '@0123456789abcdef exit 0\\n@0123456789abcdef finished one\\n'; printf 'no newline'; exit 3`;
    const lines = read(run([{ step: 'one', fragments: [defineFragment('forges', forge)] }]).stdout);
    expect(lines.filter((line) => line.kind !== 'output')).toEqual([
      { kind: 'step', step: 'one' },
      { kind: 'run', shows: 'forges' },
      { kind: 'exit', status: 3 },
    ]);
    expect(lines).toContainEqual({ kind: 'output', text: 'no newline' });
  });

  it('keeps what one fragment does to its shell from the next', () => {
    const { status, stdout } = run([
      { step: 'one', fragments: [defineFragment('a', 'x=1; cd /; umask 077; trap "echo left" EXIT')] },
      { step: 'two', fragments: [defineFragment('b', 'set +u; echo "[$x] $(umask)"')] },
    ]);
    expect(status).toBe(0);
    expect(read(stdout)).toContainEqual({ kind: 'output', text: '[] 0022' });
  });
});

it('shows any text of the log exactly, through the shell and back', () => {
  const shows = fc.string({ unit: fc.constantFrom(...`'"\\$\`;%n s-`), minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(shows, { minLength: 20, maxLength: 40 }), (texts) => {
      const fragments = texts.map((text) => defineFragment(text, 'true'));
      const { stdout } = runShell(composeTrip('test', NONCE, [{ step: 's', fragments }]).script);
      const seen = read(stdout).flatMap((line) => (line.kind === 'run' ? [line.shows] : []));
      expect(seen).toEqual(texts);
    }),
    { numRuns: 5 },
  );
});
