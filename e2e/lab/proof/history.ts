import { keyPath } from '#shared/device/paths.ts';
import type { Profile } from '#shared/model/profile.ts';
import type { ProofStation } from './proof-station.ts';
import type { Board, Plot, World } from './world.ts';

const MOST_ROUNDS = 8;
const DAY_MS = 24 * 3_600_000;

/**
 * Some boards come with a past: they were enrolled before, and lost their card, or had another id, or hold a key whose
 * end is near or has come. A board an id is taken over from is alive with it.
 */
export async function makeHistory(
  world: World,
  profile: Profile,
  startStation: (profile: Profile) => ProofStation,
): Promise<void> {
  /** The line was shut for so long. */
  let shutForMs = 0;
  const enroll = async (id: string, board: Board, validForDays?: number): Promise<void> => {
    const identity = { ...profile.identity, key_valid_for_days: validForDays };
    const station = startStation({ ...profile, identity });
    for (let round = 0; round < MOST_ROUNDS; round += 1)
      if ((await station.enroll(id, { address: board.address })) === undefined) return;
    throw new Error(`${id} cannot be enrolled in good weather.`);
  };
  for (const { id, board, other, plot } of world.stories) {
    if (other !== undefined) await enroll(id, other);
    const past = drawPast(world, plot);
    const { device } = board;
    if (past === 'another id') {
      const old = `${id}-old`;
      device.deviceId = old;
      await enroll(old, board);
      device.deviceId = id;
    } else if (past === 'ends soon') await enroll(id, board, 20);
    else if (past === 'ended') {
      await enroll(id, board, 1);
      shutForMs = DAY_MS + 3_600_000;
    } else if (past !== 'none') {
      await enroll(id, board);
      if (past === 'another card') device.files.delete(keyPath);
    }
    board.provenKeyId = undefined;
  }
  if (shutForMs > 0) await shut(world, shutForMs);
}

type Past = 'none' | 'enrolled' | 'another id' | 'another card' | 'ends soon' | 'ended';

function drawPast({ chance }: World, plot: Plot): Past {
  const draw = chance();
  // A board is not decommissioned under an id it was never enrolled with.
  if (draw < 0.15 && plot !== 'decommissioned') return 'another id';
  if (draw < 0.45 || plot === 'taken over') return 'none';
  if (draw < 0.6) return 'another card';
  if (draw < 0.75) return 'ends soon';
  return draw < 0.8 ? 'ended' : 'enrolled';
}

/** Everything is switched off, and on again later. */
async function shut(world: World, ms: number): Promise<void> {
  const { devices } = world;
  const rebootMs = new Map([...devices].map(([address, device]) => [address, device.rebootMs]));
  for (const device of devices.values()) {
    device.rebootMs = ms;
    device.reboot();
  }
  await world.sleep(ms + 60_000);
  for (const [address, device] of devices) device.rebootMs = rebootMs.get(address) ?? device.rebootMs;
}
