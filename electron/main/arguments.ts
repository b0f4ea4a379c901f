import path from 'node:path';

/** What the command line asks for. File names are absolute. */
export interface StationArguments {
  readonly userDataDir: string | undefined;
  readonly profile: string | undefined;
  readonly lab: boolean;
  /** Rehearsal devices of the lab; the lab's own number where undefined. */
  readonly devices: number | undefined;
}

export type ArgumentsResult =
  | { readonly ok: true; readonly arguments: StationArguments }
  | { readonly ok: false; readonly says: string };

export interface ArgumentsContext {
  /** A built product: no switch but our own gets through. */
  readonly packaged: boolean;
  /** The first word without a dash is the app's own path (`electron . --lab`). */
  readonly startedByPath: boolean;
  readonly platform: NodeJS.Platform;
  readonly workingDirectory: string;
}

const MAX_DEVICES = 500;

/**
 * Chromium and Node switches a development build lets through: what tests, debuggers and machines without a
 * sandbox or a graphics card need. Each of them would open the product to whoever can start it.
 */
const developmentSwitches = new Set([
  'no-sandbox',
  'inspect',
  'inspect-brk',
  'remote-debugging-port',
  'disable-gpu',
  'ozone-platform',
  'ozone-platform-hint',
  'force-device-scale-factor',
  'enable-logging',
  'password-store',
]);

const usage = 'The station knows --profile FILE, --lab, --devices N and --user-data-dir DIR.';

/** One word of the command line taken apart. `name` is undefined for a word that is no switch. */
interface Word {
  readonly text: string;
  readonly name: string | undefined;
  readonly value: string | undefined;
}

/** Chromium takes one dash like two, any case, and on Windows a slash as well. So do we, or it would slip by. */
function readWord(text: string, platform: NodeJS.Platform): Word {
  const match = (platform === 'win32' ? /^(?:--?|\/)([^=]*)(?:=(.*))?$/s : /^--?([^=]*)(?:=(.*))?$/s).exec(
    text,
  );
  return { text, name: match?.[1]?.toLowerCase(), value: match?.[2] };
}

/**
 * Reads the command line, the program's name left out. Every switch is known or refused: Chromium acts on
 * switches by itself, so one that we do not know could open a debugging port or load foreign code.
 */
export function readArguments(words: readonly string[], context: ArgumentsContext): ArgumentsResult {
  const found = new Map<string, string>();
  let pathSeen = !context.startedByPath;
  for (let index = 0; index < words.length; index++) {
    const word = readWord(words[index] ?? '', context.platform);
    if (word.name === undefined) {
      if (pathSeen) return refuse(`"${word.text}" is one argument too many.`);
      pathSeen = true;
    } else if (word.name === 'lab') {
      if (word.value !== undefined) return refuse('--lab takes no value.');
      found.set('lab', '');
    } else if (word.name === 'user-data-dir' || word.name === 'profile' || word.name === 'devices') {
      const next = words[index + 1];
      const takesNext = word.value === undefined && next !== undefined;
      const value = word.value ?? next ?? '';
      if (value === '' || (takesNext && readWord(value, 'linux').name !== undefined)) {
        return refuse(`--${word.name} needs a value.`);
      }
      if (found.has(word.name)) return refuse(`--${word.name} is there twice.`);
      found.set(word.name, value);
      if (takesNext) index++;
    } else if (context.platform === 'darwin' && word.name.startsWith('psn_')) {
      // The Finder of older systems adds its process number.
    } else if (context.packaged || !developmentSwitches.has(word.name)) {
      return refuse(`The switch "${word.text}" is not allowed.`);
    }
  }
  return combine(found, context);
}

function combine(found: ReadonlyMap<string, string>, context: ArgumentsContext): ArgumentsResult {
  const lab = found.has('lab');
  const profile = found.get('profile');
  const devicesText = found.get('devices');
  if (lab && profile !== undefined) return refuse('--lab brings its own profile. Leave --profile away.');
  if (devicesText !== undefined && !lab)
    return refuse('--devices is the size of the lab. Use it with --lab.');
  const devices = devicesText === undefined ? undefined : Number(devicesText);
  if (devices !== undefined && !(/^\d+$/.test(devicesText ?? '') && devices >= 1 && devices <= MAX_DEVICES)) {
    return refuse(`--devices is a number from 1 to ${MAX_DEVICES}.`);
  }
  const absolute = (file: string | undefined) =>
    file === undefined ? undefined : path.resolve(context.workingDirectory, file);
  const userDataDir = absolute(found.get('user-data-dir'));
  return { ok: true, arguments: { userDataDir, profile: absolute(profile), lab, devices } };
}

function refuse(problem: string): ArgumentsResult {
  return { ok: false, says: `${problem} ${usage}` };
}
