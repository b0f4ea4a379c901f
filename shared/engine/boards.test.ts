import { expect, it } from 'vitest';
import { deviceId, freshFacts } from '../testing/builders.ts';
import { Boards } from './boards.ts';

const facts = freshFacts({ machineId: 'f00d' });

it('lets a board keep its id, again and again', () => {
  const boards = new Boards();
  boards.claim(deviceId('board-01'), 'SHA256:a', facts);
  expect(() => boards.claim(deviceId('board-01'), 'SHA256:a', facts)).not.toThrow();
});

it('refuses a second id for the same board, and names the first', () => {
  const boards = new Boards();
  boards.claim(deviceId('board-01'), 'SHA256:a', facts);
  expect(() => boards.claim(deviceId('board-02'), 'SHA256:a', facts)).toThrow(/as board-01/);
});

it('tells boards apart that share only one of the two marks', () => {
  const boards = new Boards();
  boards.claim(deviceId('board-01'), 'SHA256:a', facts);
  expect(() => boards.claim(deviceId('board-02'), 'SHA256:b', facts)).not.toThrow();
  expect(() =>
    boards.claim(deviceId('board-03'), 'SHA256:a', freshFacts({ machineId: 'beef' })),
  ).not.toThrow();
});
