import { expect, it } from 'vitest';
import type { DecommissionView } from '#shared/model/station-state.ts';
import { spokenDecommissions } from './spoken-decommissions.ts';

const view = (deviceId: string, state: DecommissionView['state'], text?: string): DecommissionView => ({
  ...{ deviceId, state, startedAt: 1 },
  findings: text === undefined ? [] : [{ what: 'device', state: 'failed', text }],
});

it('speaks of what began or ended, not of every step', () => {
  const running = { a: view('a', 'running') };
  expect(spokenDecommissions(undefined, running)).toBe('a is being decommissioned.');
  expect(spokenDecommissions(running, { a: view('a', 'running', 'x') })).toBe('');
  expect(spokenDecommissions(running, { a: view('a', 'done'), b: view('b', 'running') })).toBe(
    'a is out of the fleet. b is being decommissioned.',
  );
  expect(spokenDecommissions(running, { a: view('a', 'failed', 'Nothing answers.') })).toBe(
    'The decommission of a is not complete. Nothing answers.',
  );
});
