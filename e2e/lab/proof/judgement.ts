import { keyPath } from '#shared/device/paths.ts';
import type { Inspection } from '../identity/inspection.ts';
import { type Board, heldKey, type Story, type World } from './world.ts';

/** What is wrong with the end of a world, as sentences, seen from outside: at the provider, on the boards, on the bus. */
export function judge(world: World): string[] {
  const seen = world.lab.provider.inspect();
  return [...world.stories.flatMap((story) => judgeStory(world, story, seen)), ...orphans(world, seen)];
}

function judgeStory(world: World, story: Story, seen: Inspection): string[] {
  const { id, board, other, end } = story;
  const users = seen.users.filter((user) => user.live && user.userName === `device-${id}`);
  const wrong =
    end === 'enrolled' ? judgeEnrolled(id, board, users, seen) : judgeGone(world, id, board, users);
  const othersKey = other === undefined ? undefined : heldKey(other)?.keyId;
  if (seen.keys.some((key) => key.live && key.id === othersKey))
    wrong.push(`${id} was taken over, and the other board's key ${othersKey} is live`);
  return wrong;
}

function judgeEnrolled(id: string, board: Board, users: Inspection['users'], seen: Inspection): string[] {
  const [user] = users;
  if (user === undefined || users.length !== 1) return [`${id} has ${users.length} machine users`];
  const wrong: string[] = [];
  const grants = seen.grants.filter((grant) => grant.live && grant.userId === user.id);
  if (grants.length !== 1 || grants[0]?.roleKeys.join() !== 'device')
    wrong.push(`${id} has ${grants.length} grants`);
  const { keyId = 'no key' } = heldKey(board) ?? {};
  const live = seen.keys.filter((key) => key.live && key.userId === user.id).map((key) => key.id);
  if (live.join() !== keyId) wrong.push(`${id} holds ${keyId}, and live are ${live.join(', ') || 'none'}`);
  if (board.provenKeyId !== keyId) wrong.push(`${id} holds ${keyId}, and does not log in with it`);
  return wrong;
}

function judgeGone(world: World, id: string, { device }: Board, users: Inspection['users']): string[] {
  return [
    ...(users.length === 0 ? [] : [`${id} is decommissioned, and its machine user is there`]),
    ...(device.files.has(keyPath) ? [`${id} is decommissioned, and the device holds a key`] : []),
    ...(device.unit.active ? [`${id} is decommissioned, and its agent runs`] : []),
    ...(world.heartbeats.has(id) ? [`${id} is decommissioned, and has an entry among the heartbeats`] : []),
  ];
}

/** Keys of this world's users, those of earlier names too, that log in and that nobody holds. */
function orphans({ seed, stories }: World, { users, keys }: Inspection): string[] {
  const own = new Set(
    users.filter((user) => user.userName.startsWith(`device-s${seed}-`)).map((user) => user.id),
  );
  const held = new Set(
    stories
      .flatMap(({ board, other }) => [board, ...(other === undefined ? [] : [other])])
      .map((board) => heldKey(board)?.keyId),
  );
  return keys
    .filter((key) => key.live && own.has(key.userId) && !held.has(key.id))
    .map((key) => `key ${key.id} of user ${key.userId} is live, and no device holds it`);
}
