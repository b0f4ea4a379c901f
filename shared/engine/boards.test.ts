import { describe, expect, it } from 'vitest';
import { deviceId, freshFacts } from '../testing/builders.ts';
import { Boards } from './boards.ts';

const first = { hostKey: 'SHA256:a' as string | undefined, machineId: 'f00d', bootId: 'boot-1' };
const claim = (boards: Boards, id: string, board: Partial<typeof first>) => {
  const { hostKey, machineId, bootId } = { ...first, ...board };
  boards.claim(deviceId(id), hostKey, freshFacts({ machineId, bootId }));
};

it('lets a board keep its id, again and again, also when it has restarted', () => {
  const boards = new Boards();
  claim(boards, 'board-01', {});
  expect(() => claim(boards, 'board-01', {})).not.toThrow();
  expect(() => claim(boards, 'board-01', { bootId: 'boot-2' })).not.toThrow();
});

describe.each([
  ['at another address', {}],
  ['with another kind of host key', { hostKey: 'SHA256:b' }],
  ['which has restarted in between', { bootId: 'boot-2' }],
  ['which is this computer itself', { hostKey: undefined }],
] as const)('the same board %s', (_what, change) => {
  it.each([
    ['after', [{}, change]],
    ['before', [change, {}]],
  ] as const)('is refused a second id, looked at %s the first', (_order, [one, two]) => {
    const boards = new Boards();
    claim(boards, 'board-01', one);
    expect(() => claim(boards, 'board-02', two)).toThrow(/as board-01/);
  });
});

it.each([
  ['host key and boot', { machineId: 'beef' }],
  ['machine id, as an image may bring it', { hostKey: 'SHA256:b', bootId: 'boot-2' }],
])('tells boards apart that share only %s', (_what, change) => {
  const boards = new Boards();
  claim(boards, 'board-01', {});
  expect(() => claim(boards, 'board-02', change)).not.toThrow();
});

it('never takes two boots that are both unknown for equal', () => {
  const boards = new Boards();
  const unknown = freshFacts({ machineId: 'f00d', bootId: undefined });
  boards.claim(deviceId('board-01'), 'SHA256:a', unknown);
  expect(() => boards.claim(deviceId('board-02'), 'SHA256:b', unknown)).not.toThrow();
});
