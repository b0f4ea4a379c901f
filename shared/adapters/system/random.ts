import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../../engine/ports.ts';

/** The operating system's generator. */
export const systemRandom: Random = {
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  hex: (length) => randomBytes(length).toString('hex'),
};
