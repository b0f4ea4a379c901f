import { agentUser } from './agent-user.ts';
import { binary } from './binary.ts';
import type { Step } from './define-step.ts';
import { heartbeat } from './heartbeat.ts';
import { keyConfig } from './key-config.ts';
import { packages } from './packages.ts';
import { unit } from './unit.ts';

/**
 * The steps that are planned from facts, in their order. `check`, `connect` and `identity` come before: they
 * gather what the plan is made from.
 */
export const plannedSteps: readonly Step[] = [packages, agentUser, binary, keyConfig, unit, heartbeat];
