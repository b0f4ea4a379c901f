/** One fragment of a trip, as a device double reads it out of the script. */
export interface ScriptFragment {
  readonly step: string;
  readonly shows: string;
  readonly script: string;
  /** Last fragment of its step within the trip. */
  readonly endsStep: boolean;
}

/** The text a quoted POSIX shell word stands for. */
export function unquote(word: string): string {
  return word.slice(1, -1).replaceAll("'\\''", "'");
}

/** The nonce of a look or trip: the word its marks begin with. */
export function nonceOf(script: string): string {
  return /printf '@(\w+) /.exec(script)?.[1] ?? '';
}

/** The fragments of a composed trip, in order. */
export function readTrip(script: string): readonly ScriptFragment[] {
  const fragments: ScriptFragment[] = [];
  const mark = /^printf '@\w+ (step|run|finished) %s\\n' (.*)$/;
  let step = '';
  let open: { shows: string; lines: string[] } | undefined;
  const close = (endsStep: boolean): void => {
    if (open) fragments.push({ step, shows: open.shows, script: open.lines.join('\n'), endsStep });
    open = undefined;
  };
  for (const line of script.split('\n')) {
    const found = mark.exec(line);
    if (found === null) {
      open?.lines.push(line);
      continue;
    }
    const text = unquote(found[2] ?? '');
    if (found[1] === 'step') step = text;
    else if (found[1] === 'finished') close(true);
    else {
      close(false);
      open = { shows: text, lines: [] };
    }
  }
  // A step that goes on after the trip has no end of its own.
  close(false);
  return fragments;
}

/** The content a fragment writes into a file. */
export function writtenContent(script: string): string {
  const start = script.indexOf("printf '%s' '") + "printf '%s' ".length;
  return unquote(script.slice(start, script.indexOf(' > "$t"', start)));
}

/** The SHA-256 a script checks what it receives against. */
export function expectedHash(script: string): string {
  return /= '([0-9a-f]{64})'/.exec(script)?.[1] ?? '';
}

/** What a fenced script asks for before it does anything: its holder's line and the epoch it was planned on. */
export function readFence(script: string): { readonly holder: string; readonly epoch: number } | undefined {
  const holder = /^ *printf '%s\\n' ('.*') > "\$R\/run\/fleet-agent\.lock"$/m.exec(script)?.[1];
  const epoch = /^\[ "\$MUSTER_EPOCH" = (\d+) \]/m.exec(script)?.[1];
  return holder === undefined || epoch === undefined
    ? undefined
    : { holder: unquote(holder), epoch: Number(epoch) };
}
