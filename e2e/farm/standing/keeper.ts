// The process inside the farm's network that keeps a standing farm: boots what it is asked for, ends it when told.
import fs from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { must } from '../commands.ts';
import { type FarmDevice, startFarmDevice } from '../farm.ts';
import { insideLanVariable } from '../lan.ts';
import type { UpRequest } from './farm-arguments.ts';
import { type StandingDevice, socketFile, writeStanding } from './standing-farm.ts';

const pid = Number(process.env[insideLanVariable]);
const startedTicks = process.argv[2] ?? '';
const devices = new Map<string, { readonly device: FarmDevice; readonly shown: StandingDevice }>();
const taken = new Set<string>();

function publish(): void {
  const shown = [...devices.values()].map((entry) => entry.shown);
  writeStanding({ pid, startedTicks, devices: shown.sort((a, b) => a.name.localeCompare(b.name)) });
}

function freeNames(count: number): readonly string[] {
  const names: string[] = [];
  for (let number = 1; names.length < count; number += 1) {
    const name = `farm-${String(number).padStart(2, '0')}`;
    if (taken.has(name)) continue;
    taken.add(name);
    names.push(name);
  }
  return names;
}

async function add(request: UpRequest, tell: (text: string) => void): Promise<void> {
  const booting = freeNames(request.count).map(async (name) => {
    try {
      const device = await startFarmDevice({ name, ...request });
      devices.set(name, { device, shown: await shownOf(device) });
      publish();
      tell(`${name} is up at ${device.address}`);
    } catch (error) {
      taken.delete(name);
      throw error;
    }
  });
  const failed = (await Promise.allSettled(booting)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function shownOf(device: FarmDevice): Promise<StandingDevice> {
  const { name, suite, packages, conditions, address, addressV6, sshPort } = device;
  const { user, password, privateKeyFile, hostKey } = device;
  const hostKeyFingerprint = (await must('ssh-keygen', ['-lf', '-'], { stdin: `${hostKey}\n` })).split(
    ' ',
  )[1];
  return {
    ...{ name, suite, packages, conditions, address, addressV6, sshPort },
    ...{ user, password, privateKeyFile, hostKey, hostKeyFingerprint: hostKeyFingerprint ?? '' },
  };
}

/** One request on a connection, one line each: progress as `{"says"}`, at the end `{"done"}` or `{"failed"}`. */
function serve(connection: Socket): void {
  const send = (message: object) => connection.write(`${JSON.stringify(message)}\n`);
  connection.on('error', () => {}); // Whoever asked has gone; what was asked for is done all the same.
  createInterface({ input: connection }).once('line', (line) => {
    add(JSON.parse(line) as UpRequest, (says) => send({ says })).then(
      () => connection.end(`${JSON.stringify({ done: true })}\n`),
      (error: unknown) => {
        const failed = error instanceof Error ? error.message : String(error);
        connection.end(`${JSON.stringify({ failed })}\n`);
      },
    );
  });
}

async function end(): Promise<void> {
  await Promise.allSettled([...devices.values()].map(({ device }) => device.stop()));
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void end());
fs.rmSync(socketFile(), { force: true });
publish();
createServer(serve).listen(socketFile());
