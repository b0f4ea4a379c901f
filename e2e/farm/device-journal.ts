import { expect } from 'vitest';
import { unitName } from '#shared/device/paths.ts';
import type { FarmDevice } from './farm.ts';

/** A point in the journal of a device, and what had failed up to it. */
export interface JournalMark {
  readonly cursor: string;
  readonly failedUnits: readonly string[];
}

interface JournalEntry {
  readonly PRIORITY?: string;
  readonly SYSLOG_IDENTIFIER?: string;
  readonly _SYSTEMD_UNIT?: string;
  readonly _TRANSPORT?: string;
  /** Bytes where it is no UTF-8. */
  readonly MESSAGE?: string | readonly number[];
}

/**
 * Every entry of priority `err` or worse that a device writes because it is one of the farm, and why. What a condition
 * or a test itself brings about is named where that is: `expectJournalClean`, `besides`.
 */
const ofTheFarm: readonly RegExp[] = [
  // Written when a session begins: the base is a minimal Debian, which has no package `locales` and so no such file.
  /^\S+: pam_env\(\w+:session\): Unable to open env file: \/etc\/default\/locale\b/,
];

/** All that the reference agent says while nothing is wrong. A failure of its own it tells at the same priority. */
const agentInOrder: readonly RegExp[] = [
  /^fleet-agent: \S+ starting$/,
  /^fleet-agent: reporting \S+ to \S+ every \d+ s$/,
  /^fleet-agent: stopping on SIGTERM$/,
];

const limitMs = 120_000;
/** LOG_ERR of syslog(3); what is worse has a lower number. */
const ERR = 3;
/** What was said up to now is in the journal only once it was asked to write it down. */
const sync = 'journalctl --sync';

async function ask(device: FarmDevice, command: string): Promise<string> {
  const { code, stdout, stderr } = await device.exec(`set -e\n${command}`, { limitMs });
  if (code !== 0) throw new Error(`${device.name} did not tell its journal: ${stderr}${stdout}`);
  return stdout;
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/** Units of the system, and of the agent's own user manager where that runs. */
const listFailed = `list='list-units --state=failed --no-legend --plain --no-pager'
systemctl $list | cut -d' ' -f1
if id=$(id -u fleet-agent 2>/dev/null) && [ -S /run/user/$id/systemd/private ]; then
  runuser -u fleet-agent -- env XDG_RUNTIME_DIR=/run/user/$id systemctl --user $list | sed 's/ .*//; s/^/of the agent: /'
fi`;

const failedUnits = async (device: FarmDevice): Promise<readonly string[]> =>
  linesOf(await ask(device, listFailed));

/** Remembers where the journal of a device is, before something happens there. It outlives a reboot. */
export async function markJournal(device: FarmDevice): Promise<JournalMark> {
  const shown = await ask(device, `${sync}; journalctl --quiet --no-pager --lines=1 --show-cursor`);
  const cursor = /^-- cursor: (\S+)$/m.exec(shown)?.[1];
  if (cursor === undefined) throw new Error(`${device.name} has no journal: ${shown}`);
  return { cursor, failedUnits: await failedUnits(device) };
}

/**
 * The entries since a mark. All of them: where the entry of a cursor does not match a filter, journalctl(1) leaves out
 * the first that does.
 */
async function entriesSince(device: FarmDevice, { cursor }: JournalMark): Promise<readonly JournalEntry[]> {
  const fields = 'PRIORITY,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,_TRANSPORT,MESSAGE';
  const show = `journalctl --quiet --no-pager --all --output=json --output-fields=${fields}`;
  const text = await ask(device, `${sync}; ${show} --after-cursor='${cursor}'`);
  return linesOf(text).map((line) => JSON.parse(line) as JournalEntry);
}

const said = ({ MESSAGE = '' }: JournalEntry): string =>
  typeof MESSAGE === 'string' ? MESSAGE : Buffer.from(MESSAGE).toString('latin1');

/**
 * Since the mark the device has written nothing of priority `err` or worse, no unit has failed, and its agent has
 * started and told of no failure.
 * @param besides entries that what the test did to the device explains, each as `identifier: message`
 */
export async function expectJournalClean(
  device: FarmDevice,
  mark: JournalMark,
  besides: readonly RegExp[] = [],
): Promise<void> {
  const explained = [...ofTheFarm, ...besides];
  const entries = await entriesSince(device, mark);
  const errors = entries
    .filter((entry) => Number(entry.PRIORITY) <= ERR)
    .map((entry) => `${entry.SYSLOG_IDENTIFIER ?? entry._SYSTEMD_UNIT ?? 'nobody'}: ${said(entry)}`)
    .filter((text) => !explained.some((pattern) => pattern.test(text)));
  expect(errors, `errors in the journal of ${device.name}`).toEqual([]);
  const failed = (await failedUnits(device)).filter((unit) => !mark.failedUnits.includes(unit));
  expect(failed, `failed units of ${device.name}`).toEqual([]);
  const agent = entries
    .filter((entry) => entry._SYSTEMD_UNIT === unitName && entry._TRANSPORT === 'stdout')
    .map(said);
  expect(agent, `the agent of ${device.name}`).toContainEqual(expect.stringMatching(/ starting$/));
  const troubles = agent.filter((line) => !agentInOrder.some((pattern) => pattern.test(line)));
  expect(troubles, `what the agent of ${device.name} complains about`).toEqual([]);
}
