import { enableUnit, restartUnit, startUnit, writeUnit } from '../device/commands.ts';
import { type Action, defineStep, run } from './define-step.ts';

/** Unit installed, enabled and running; restarted only when binary, key, config or unit changed. */
export const unit = defineStep({
  id: 'unit',
  changesAgent: true,
  plan: ({ facts, desired, agentChanges }) => {
    const actions: Action[] = [];
    const unitIsRight = facts.unitSha256 === desired.unit.sha256;
    if (!unitIsRight) actions.push(run(writeUnit(desired.unit.content)));
    if (!facts.unit.enabled) actions.push(run(enableUnit()));
    if (agentChanges || !unitIsRight || facts.unit.needsRestart) actions.push(run(restartUnit()));
    else if (!facts.unit.active) actions.push(run(startUnit()));
    return actions;
  },
});
