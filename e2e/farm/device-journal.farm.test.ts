import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAgentJournal } from '#shared/device/unit-commands.ts';
import { expectJournalClean, type JournalMark, markJournal } from './device-journal.ts';
import { type FarmDevice, farmAvailable, startFarmDevice } from './farm.ts';

/** An agent that says these lines. It lives on, so that the journal knows whose they are. */
const agentSays = (...lines: readonly string[]): string =>
  `systemctl stop fleet-agent 2>/dev/null
systemd-run --quiet --collect --unit=fleet-agent --service-type=notify --property=NotifyAccess=all sh -c '
printf "%s\\n" ${lines.map((line) => `"fleet-agent: ${line}"`).join(' ')}; systemd-notify --ready; exec sleep infinity'`;

/** What is asserted of an enrolled device would be worth nothing if the assertion saw nothing. */
describe.skipIf(!farmAvailable().ok)('the look at the journal of a real Debian', () => {
  let device: FarmDevice;
  let mark: JournalMark;

  beforeAll(async () => {
    device = await startFarmDevice({ name: 'journal-01', packages: 'installed' });
  });
  afterAll(() => device?.stop());

  async function happened(command: string): Promise<void> {
    mark = await markJournal(device);
    await device.exec(`${agentSays('reference starting', 'reporting a to b every 10 s')}\n${command}`);
  }

  test('finds nothing where nothing is wrong, whatever was before', async () => {
    await device.exec('logger -p user.crit before; systemd-run --quiet --wait --unit=failed-before false');
    await happened('logger -p user.warning harmless');
    await expectJournalClean(device, mark);
  });

  test.each([
    ['an error of whoever it is', 'logger -t somebody -p user.err trouble', 'somebody: trouble'],
    ['worse than an error', 'logger -t somebody -p daemon.emerg trouble', 'somebody: trouble'],
    ['a unit that fails', 'systemd-run --quiet --wait --unit=failed-now false', 'failed-now.service'],
    ['an agent that complains', agentSays('NATS cannot be reached.'), 'NATS cannot be reached.'],
  ])('finds %s', async (_what, command, found) => {
    await happened(command);
    await expect(expectJournalClean(device, mark)).rejects.toMatchObject({
      actual: expect.arrayContaining([expect.stringContaining(found)]),
    });
    await device.exec('systemctl reset-failed failed-now.service');
  });

  test('lets pass what the test itself explains, and nothing beside it', async () => {
    await happened('logger -t somebody -p user.err trouble');
    await expectJournalClean(device, mark, [/^somebody: trouble$/]);
    await device.exec('logger -t somebody -p user.err more trouble');
    await expect(expectJournalClean(device, mark, [/^somebody: trouble$/])).rejects.toMatchObject({
      actual: ['somebody: more trouble'],
    });
  });

  test('finds an agent that has said nothing at all', async () => {
    mark = await markJournal(device);
    await expect(expectJournalClean(device, mark)).rejects.toThrow('the agent of journal-01');
  });

  test("what the station reads has the words of systemd's own child, whose unit the journal did not know, and no forged ones", async () => {
    const says = (who: string, text: string) =>
      `printf '%s\\n' 'MESSAGE=${text}' UNIT=fleet-agent.service | runuser -u ${who} -- logger --journald; journalctl --sync`;
    await device.exec(`${agentSays('reference starting')}
${says('root', 'Failed to execute: Exec format error')}
${says('pi', 'forged')}`);
    const everything = await device.exec('journalctl --no-pager -o cat -n 20');
    expect(everything.stdout).toContain('forged');
    const read = (await device.exec(readAgentJournal(20).script)).stdout;
    expect(read).toContain('fleet-agent: reference starting');
    expect(read).toContain('Failed to execute: Exec format error');
    expect(read).not.toContain('forged');
  });
});
