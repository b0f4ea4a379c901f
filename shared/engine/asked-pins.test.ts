import { expect, it } from 'vitest';
import { AskedPins } from './asked-pins.ts';

const pinned = new Map([['press.plant', { fingerprint: 'SHA256:one', keyType: 'ssh-ed25519' }]]);

it('tells of the target, which is asked for last and by the name its key is kept by', () => {
  const pins = new AskedPins({ hostKey: (place) => pinned.get(place) });
  expect(pins.targetIsPinned).toBe(false);
  pins.hostKey('jump.plant');
  expect(pins.hostKey('press.plant')?.fingerprint).toBe('SHA256:one');
  expect(pins.targetIsPinned).toBe(true);
});

it('does not take the pin of a jump host for that of the target', () => {
  const pins = new AskedPins({ hostKey: (place) => pinned.get(place) });
  pins.hostKey('press.plant');
  expect(pins.hostKey('192.0.2.7')).toBeUndefined();
  expect(pins.targetIsPinned).toBe(false);
});
