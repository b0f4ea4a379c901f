import { parseArgs } from 'node:util';
import { SetupProblem } from '../../../scripts/setup/report.mjs';
import { type PackageState, packageStates } from '../base-image.ts';
import { type Suite, suites } from '../base-recipe.ts';
import { type ConditionName, conditionNames, isConditionName } from '../conditions/index.ts';

export interface UpRequest {
  readonly count: number;
  readonly suite: Suite;
  readonly packages: PackageState;
  readonly conditions: readonly ConditionName[];
}

export type FarmCommand =
  | { readonly command: 'up'; readonly request: UpRequest }
  | { readonly command: 'down' | 'list' | 'conditions' }
  | { readonly command: 'shell'; readonly name: string; readonly rest: readonly string[] }
  | { readonly command: 'run'; readonly rest: readonly string[] };

export const usage = `npm run farm -- up [N] [--suite bookworm|trixie] [--packages offered|installed] [--condition NAME]...
npm run farm -- list | down | conditions
npm run farm -- shell NAME [COMMAND...]
npm run farm -- run COMMAND...`;

const mostDevices = 60;

/**
 * Reads a command line of `npm run farm`.
 * @throws {SetupProblem} with what is wrong and what there is
 */
export function readFarmArguments(args: readonly string[]): FarmCommand {
  const [command, ...rest] = args;
  switch (command) {
    case 'up':
      return { command, request: readUp(rest) };
    case 'down':
    case 'list':
    case 'conditions':
      if (rest.length > 0) throw new SetupProblem(`farm ${command} takes nothing more: ${rest.join(' ')}.`);
      return { command };
    case 'shell': {
      const [name, ...words] = rest;
      if (!name) throw new SetupProblem('farm shell needs the name of a device; farm list shows them.');
      return { command, name, rest: words };
    }
    case 'run':
      if (rest.length === 0) throw new SetupProblem('farm run needs a command.');
      return { command, rest };
    default:
      throw new SetupProblem(
        `${command ? `There is no "farm ${command}".` : 'What shall the farm do?'}\n${usage}`,
      );
  }
}

function readUp(args: readonly string[]): UpRequest {
  const { values, positionals } = parseUp(args);
  const [text = '1', ...more] = positionals;
  const count = Number(text);
  if (more.length > 0 || !Number.isInteger(count) || count < 1 || count > mostDevices) {
    throw new SetupProblem(
      `farm up takes one number of devices, 1 to ${mostDevices}: ${positionals.join(' ')}.`,
    );
  }
  return {
    count,
    suite: oneOf('--suite', values.suite, suites),
    packages: oneOf('--packages', values.packages, packageStates),
    conditions: values.condition.map((name) => {
      if (isConditionName(name)) return name;
      throw new SetupProblem(`There is no condition "${name}"; there are ${conditionNames.join(', ')}.`);
    }),
  };
}

function parseUp(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        suite: { type: 'string', default: 'bookworm' },
        packages: { type: 'string', default: 'offered' },
        condition: { type: 'string', multiple: true, default: [] },
      },
    });
  } catch (error) {
    throw new SetupProblem(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found) return found;
  throw new SetupProblem(`${option} is one of ${allowed.join(', ')}, not ${text}.`);
}
