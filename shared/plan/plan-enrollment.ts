import type { StepId } from '../model/enrollment.ts';
import type { DeviceFacts } from '../model/facts.ts';
import type { Action, Desired, Step } from '../steps/define-step.ts';
import { plannedSteps } from '../steps/index.ts';

export type PlannedStep =
  | { readonly id: StepId; readonly kind: 'already' }
  | { readonly id: StepId; readonly kind: 'skipped'; readonly why: string }
  | { readonly id: StepId; readonly kind: 'pending'; readonly actions: readonly Action[] };

/** What is still to do on a device, step by step. Pure: same facts, same plan. */
export function planEnrollment(
  facts: DeviceFacts,
  desired: Desired,
  steps: readonly Step[] = plannedSteps,
): readonly PlannedStep[] {
  let agentChanges = false;
  return steps.map((step): PlannedStep => {
    const context = { facts, desired, agentChanges };
    const why = step.skip?.(context);
    if (why !== undefined) return { id: step.id, kind: 'skipped', why };
    const actions = step.plan(context);
    if (actions.length === 0) return { id: step.id, kind: 'already' };
    if (step.changesAgent) agentChanges = true;
    return { id: step.id, kind: 'pending', actions };
  });
}

/** Steps of a plan that change something on the device: what a second look must find empty. */
export function deviceChanges(plan: readonly PlannedStep[]): readonly StepId[] {
  return plan
    .filter(
      (step) =>
        step.kind === 'pending' && step.actions.some((action) => action.kind !== 'wait-for-heartbeat'),
    )
    .map((step) => step.id);
}
