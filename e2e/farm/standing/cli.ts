// npm run farm: real devices that stay up in the background, for trying things out by hand.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { inProject } from '../../../scripts/setup/paths.mjs';
import { foreground } from '../../../scripts/setup/processes.mjs';
import { runMain, SetupProblem } from '../../../scripts/setup/report.mjs';
import { buildBases } from '../base-image.ts';
import { debianVersions } from '../base-recipe.ts';
import { conditionNames, conditions } from '../conditions/index.ts';
import { insideLanVariable, stationAddress } from '../lan.ts';
import { readFarmArguments, type UpRequest } from './farm-arguments.ts';
import {
  innermost,
  knownHostsFile,
  logFile,
  readStanding,
  type StandingFarm,
  socketFile,
  standingFolder,
  stands,
  takeDown,
} from './standing-farm.ts';

/** Limit for the farm's network and the keeper in it, on a busy machine. */
const keeperLimitMs = 180_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

await runMain(async () => {
  const asked = readFarmArguments(process.argv.slice(2));
  switch (asked.command) {
    case 'up':
      return await up(asked.request);
    case 'down':
      say((await takeDown()) ? 'The farm is down.' : 'No farm stands.');
      return 0;
    case 'list':
      return list();
    case 'conditions':
      for (const name of conditionNames) say(`${name.padEnd(22)}${conditions[name].about}`);
      return 0;
    case 'shell':
      return await shell(asked.name, asked.rest);
    case 'run':
      return await runInside(asked.rest);
  }
});

/** The farm that stands. @throws {SetupProblem} when none does */
function standing(): StandingFarm {
  const farm = readStanding();
  if (farm && stands(farm)) return farm;
  throw new SetupProblem('No farm stands.', 'npm run farm -- up 8');
}

/** Starts the keeper where there is none, then asks it for so many devices more. */
async function up(request: UpRequest): Promise<number> {
  const before = readStanding();
  if (before && stands(before))
    say(`The farm has ${before.devices.length} devices; adding ${request.count}.`);
  else {
    await takeDown(); // What a killed one has left.
    await buildBases();
    await startKeeper();
  }
  await ask(request);
  return list();
}

async function startKeeper(): Promise<void> {
  fs.mkdirSync(standingFolder(), { recursive: true, mode: 0o700 });
  const log = fs.openSync(logFile(), 'a');
  const here = import.meta.dirname;
  // The shell tells the keeper when the process that holds it began; both are the same process, by exec.
  const words = 'exec "$@" "$(sed "s/.*) //" "/proc/$$/stat" | cut -d" " -f20)"';
  const node = [process.execPath, '--import', inProject('node_modules', 'tsx', 'dist', 'loader.mjs')];
  const inLan = [...node, path.join(here, '..', 'with-lan.ts'), ...node, path.join(here, 'keeper.ts')];
  const { [insideLanVariable]: _outer, ...env } = process.env;
  const keeper = spawn('sh', ['-c', words, 'sh', ...inLan], {
    detached: true,
    stdio: ['ignore', log, log],
    env,
  });
  fs.closeSync(log);
  const giveUpAt = Date.now() + keeperLimitMs;
  while (!fs.existsSync(socketFile())) {
    if (keeper.exitCode !== null || Date.now() > giveUpAt) {
      keeper.kill('SIGKILL');
      throw new Error(`The farm did not start.\n${fs.readFileSync(logFile(), 'utf8').slice(-2_000)}`);
    }
    await pause(50);
  }
  keeper.unref();
}

/** Sends a request to the keeper and prints what it says. @throws what the keeper reports */
function ask(request: UpRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = connect(socketFile());
    connection.once('error', reject);
    connection.once('close', () => reject(new Error('The farm ended while devices were booting.')));
    connection.write(`${JSON.stringify(request)}\n`);
    createInterface({ input: connection }).on('line', (line) => {
      const message: { says?: string; done?: boolean; failed?: string } = JSON.parse(line);
      if (message.says) say(message.says);
      if (message.done) resolve();
      if (message.failed) reject(new Error(message.failed));
    });
  });
}

function list(): number {
  const farm = readStanding();
  if (!farm || !stands(farm)) {
    say('No farm stands. Start one: npm run farm -- up 8');
    return 0;
  }
  const rows = farm.devices.map((device) => [
    device.name,
    `Debian ${debianVersions[device.suite]}`,
    device.packages,
    `ssh://${device.user}@${device.address}${device.sshPort === 22 ? '' : `:${device.sshPort}`}`,
    `[${device.addressV6}]`,
    device.hostKeyFingerprint,
    device.conditions.join(', '),
  ]);
  const all = [['name', 'system', 'packages', 'target', 'IPv6', 'host key', 'conditions'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of all)
    say(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  const [first] = farm.devices;
  say(`
On a device:              npm run farm -- shell ${first?.name ?? 'NAME'}
In the farm's network:    npm run farm -- run COMMAND   (the station's address there is ${stationAddress})
Key of the operator:      ${first?.privateKeyFile ?? 'none yet'}   (seen by what farm run starts)
Password, where asked:    ${first?.password ?? ''}`);
  return 0;
}

/** SSH to a device, as the station would, with its host key checked. */
async function shell(name: string, rest: readonly string[]): Promise<number> {
  const farm = standing();
  const device = farm.devices.find((one) => one.name === name);
  if (!device) {
    throw new SetupProblem(
      `There is no ${name}; there are ${farm.devices.map((one) => one.name).join(', ')}.`,
    );
  }
  const options = ['-i', device.privateKeyFile, '-p', String(device.sshPort), '-o', 'IdentitiesOnly=yes'];
  const known = ['-o', `UserKnownHostsFile=${knownHostsFile()}`, '-o', 'GlobalKnownHostsFile=/dev/null'];
  return await runInside(['ssh', ...options, ...known, `${device.user}@${device.address}`, ...rest]);
}

/** Runs a command in the farm's network; it ends with the farm. */
async function runInside(words: readonly string[]): Promise<number> {
  const farm = standing();
  const enter = ['--target', String(innermost(farm)), '--mount', '--net', '--pid'];
  const there = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', process.cwd(), ...words];
  return await foreground('nsenter', [...enter, '--', ...there], {
    env: { ...process.env, [insideLanVariable]: String(farm.pid) },
  });
}
