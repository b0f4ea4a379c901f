import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
});
