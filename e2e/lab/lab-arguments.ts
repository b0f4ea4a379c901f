import { parseArgs } from 'node:util';

export const DEFAULT_DEVICES = 12;
const MAX_DEVICES = 500;

/** Reads a number of rehearsal devices. @throws with a sentence for a person. */
export function readDeviceCount(text: string | undefined): number {
  if (text === undefined) return DEFAULT_DEVICES;
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1 || count > MAX_DEVICES) {
    throw new Error(`--devices takes a number from 1 to ${MAX_DEVICES}, not "${text}".`);
  }
  return count;
}

/** Arguments of the lab process: its folder and how many devices. */
export function readLabArguments(args: readonly string[]): {
  readonly dir: string;
  readonly devices: number;
} {
  const { values } = parseArgs({
    args: [...args],
    options: { folder: { type: 'string' }, devices: { type: 'string' } },
  });
  if (values.folder === undefined) throw new Error('The lab needs --folder FOLDER.');
  return { dir: values.folder, devices: readDeviceCount(values.devices) };
}
