/** Takes a marker out of a stream, wherever the packets split it. Bytes around it stay as they are. */
interface MarkerFilter {
  push(bytes: Uint8Array): Buffer;
  /** What was held back because it began like the marker. */
  finish(): Buffer;
}

/** @param mostTimes after that many the rest passes unread */
function takeOut(marker: string, mostTimes: number, onFound: () => void): MarkerFilter {
  let held = '';
  let found = 0;
  const heldLength = (text: string): number => {
    for (let length = Math.min(marker.length - 1, text.length); length > 0; length -= 1)
      if (marker.startsWith(text.slice(-length))) return length;
    return 0;
  };
  return {
    push: (bytes) => {
      // One character a byte: text that is no UTF-8 passes unharmed.
      let rest = held + Buffer.from(bytes).toString('latin1');
      let passed = '';
      held = '';
      for (let at = rest.indexOf(marker); at >= 0 && found < mostTimes; at = rest.indexOf(marker)) {
        passed += rest.slice(0, at);
        rest = rest.slice(at + marker.length);
        found += 1;
        onFound();
      }
      const hold = found < mostTimes ? heldLength(rest) : 0;
      held = rest.slice(rest.length - hold);
      return Buffer.from(passed + rest.slice(0, rest.length - hold), 'latin1');
    },
    finish: () => {
      const rest = Buffer.from(held, 'latin1');
      held = '';
      return rest;
    },
  };
}

/** The marks of one command that goes through a sudo with a password. */
export interface ElevationMarks {
  /** What sudo prints when it wants a password. */
  readonly prompt: string;
  /** The line the shell behind sudo prints first, and waits for before it takes the script. */
  readonly ready: string;
}

export interface ElevationGate {
  /** These pass a packet on without the marks. */
  stdout(bytes: Uint8Array): Buffer;
  stderr(bytes: Uint8Array): Buffer;
  finish(): { readonly stdout: Buffer; readonly stderr: Buffer };
  /** True from when the shell behind sudo has answered. */
  readonly started: boolean;
  /** Whether the script may follow, or sudo asks again and must get nothing more. */
  readonly answer: Promise<'ready' | 'asks-again'>;
}

/** sudo's own words for a wrong password, for a device that puts its own prompt in place of ours. */
const TRY_AGAIN = 'Sorry, try again';

/** Watches a command's output for what sudo does with the password. */
export function createElevationGate(marks: ElevationMarks): ElevationGate {
  let started = false;
  let prompts = 0;
  let settle: (answer: 'ready' | 'asks-again') => void = () => undefined;
  const answer = new Promise<'ready' | 'asks-again'>((resolve) => {
    settle = resolve;
  });
  const stdout = takeOut(`${marks.ready}\n`, 1, () => {
    started = true;
    settle('ready');
  });
  const stderr = takeOut(marks.prompt, Number.POSITIVE_INFINITY, () => {
    prompts += 1;
    if (prompts > 1) settle('asks-again');
  });
  let lastWords = '';
  return {
    stdout: (bytes) => stdout.push(bytes),
    stderr: (bytes) => {
      const passed = stderr.push(bytes);
      if (started) return passed;
      lastWords = (lastWords + passed.toString('latin1')).slice(-4096);
      if (lastWords.includes(TRY_AGAIN)) settle('asks-again');
      return passed;
    },
    finish: () => ({ stdout: stdout.finish(), stderr: stderr.finish() }),
    get started() {
      return started;
    },
    answer,
  };
}
