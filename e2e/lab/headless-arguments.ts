import path from 'node:path';
import { parseArgs } from 'node:util';
import { readDeviceCount } from './lab-arguments.ts';

export interface HeadlessArguments {
  readonly devices: number;
  /** Where the summary is written, absolute; undefined: nowhere. */
  readonly summary: string | undefined;
  /** Folder of station and lab; undefined: a temporary one that is removed at the end. */
  readonly userDataDir: string | undefined;
  /** Enroll the same devices a second time, to see that nothing changes. */
  readonly again: boolean;
  readonly help: boolean;
}

export const usage = `npm start -- --headless [--devices N] [--summary FILE] [--user-data-dir DIR] [--again]

  --devices N           rehearsal devices to enroll (12)
  --summary FILE        write {"total","enrolled","failed","seconds","roundTripsPerDevice"} as JSON
  --user-data-dir DIR   keep station and lab files there instead of in a temporary folder
  --again               enroll everything a second time: nothing may change
`;

/** Reads the arguments of the terminal run. @throws with a sentence for a person. */
export function readHeadlessArguments(args: readonly string[], workingDirectory: string): HeadlessArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      devices: { type: 'string' },
      summary: { type: 'string' },
      'user-data-dir': { type: 'string' },
      again: { type: 'boolean', default: false },
      // What the window's start takes too; here it is the only thing there is.
      lab: { type: 'boolean' },
      help: { type: 'boolean', default: false },
    },
  });
  const absolute = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : path.resolve(workingDirectory, text);
  return {
    devices: readDeviceCount(values.devices),
    summary: absolute(values.summary),
    userDataDir: absolute(values['user-data-dir']),
    again: values.again,
    help: values.help,
  };
}
