import { expect, it } from 'vitest';
import { keyPath } from '../device/paths.ts';
import { createFakePorts } from '../testing/fake-ports.ts';
import { profileOf, runStation } from '../testing/run-station.ts';

/** Part of every secret in the fake world: tokens, private keys, SSH key and passwords. */
const CANARY = /canary-/;

it('lets no secret into deltas, log lines, journal, logger fields or errors', async () => {
  const world = createFakePorts();
  const fine = world.addDevice('fine', 'fine.local');
  const sudo = world.addDevice('sudo', 'sudo.local');
  sudo.elevation = 'sudo-password';
  world.addDevice('password', 'password.local');
  world.sshPasswords.set('password.local', 'canary-ssh-password');
  const full = world.addDevice('full', 'full.local');
  full.failing.set(`cat > ${keyPath}`, 'No space left on device');
  const silent = world.addDevice('silent', 'silent.local');
  silent.reachesNats = false;
  world.addDevice('lost', 'lost.local').faults.push({ exchange: 4, when: 2, kind: 'lost' });

  const { station, deltas, logLines, signIn, enroll, shown } = runStation(world, profileOf(world));
  await signIn();
  const all = [...world.devices.values()].map((device) => device.deviceId);
  await enroll(...all);
  await station.handle('batch.retry', {
    ...{ deviceIds: all, sshPassword: 'canary-ssh-password', sudoPassword: sudo.sudoPassword },
    keyPassphrase: 'canary-passphrase',
  });
  await world.clock.run(station.whenBatchIdle());

  // The scene is what it claims to be: every secret was in use.
  expect(shown().rows.sudo?.state).toBe('enrolled');
  expect(shown().rows.password?.state).toBe('enrolled');
  expect(shown().rows.full?.error?.code).toBe('DEVICE_DISK_FULL');
  expect(shown().rows.silent?.error?.code).toBe('AGENT_NO_HEARTBEAT');
  expect(fine.files.get(keyPath)?.content).toMatch(CANARY);

  const logs = await Promise.all(all.map((deviceId) => station.handle('device.followLog', { deviceId })));
  expect(logs.flat().length).toBeGreaterThan(100);
  expect(JSON.stringify(logs)).not.toMatch(CANARY);
  expect(JSON.stringify(logLines)).not.toMatch(CANARY);
  expect(JSON.stringify(deltas)).not.toMatch(CANARY);
  expect(JSON.stringify(world.logger.entries)).not.toMatch(CANARY);
  expect(JSON.stringify([...world.journal.intents.values(), ...world.journal.runs])).not.toMatch(CANARY);
  expect(JSON.stringify(station.state)).not.toMatch(CANARY);
});
