import type { Condition } from './condition.ts';
import { generationConditions } from './generations.ts';
import { hardwareConditions } from './hardware.ts';
import { linkConditions } from './links.ts';
import { loginConditions } from './login.ts';
import { packageConditions } from './packages.ts';
import { shellConditions } from './shells.ts';
import { storageConditions } from './storage.ts';

const table = {
  ...loginConditions,
  ...shellConditions,
  ...packageConditions,
  ...storageConditions,
  ...generationConditions,
  ...hardwareConditions,
  ...linkConditions,
};

export type ConditionName = keyof typeof table;

/** Every condition a device can be in, by name. Several can be combined. */
export const conditions: Readonly<Record<ConditionName, Condition>> = table;

/** All names, in the order of the table. */
export const conditionNames = Object.keys(table) as readonly ConditionName[];

/** True for the name of a condition. */
export function isConditionName(text: string): text is ConditionName {
  return text in table;
}
