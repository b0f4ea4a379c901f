import {
  enableUnit,
  reloadUnit,
  restartUnit,
  setDropInsAside,
  startUnit,
  writeUnit,
} from '../device/unit-commands.ts';
import { type Action, defineStep, run } from './define-step.ts';

/**
 * Unit installed, enabled and running as we wrote it; restarted only when binary, key, config or what systemd knows
 * of the unit changed.
 */
export const unit = defineStep({
  id: 'unit',
  changesAgent: true,
  plan: ({ facts, desired, agentChanges }) => {
    const actions: Action[] = [];
    const { enabled, active, needsReload, needsRestart, hasForeignDropIns } = facts.unit;
    const unitIsRight = facts.unitSha256 === desired.unit.sha256;
    if (hasForeignDropIns) actions.push(run(setDropInsAside()));
    if (!unitIsRight) actions.push(run(writeUnit(desired.unit.content)));
    // Enabling reads the units as well, and setting drop-ins aside comes before what is written here.
    if (!enabled) actions.push(run(enableUnit()));
    else if (!unitIsRight || (needsReload && !hasForeignDropIns)) actions.push(run(reloadUnit()));
    if (agentChanges || !unitIsRight || hasForeignDropIns || needsReload || needsRestart)
      actions.push(run(restartUnit()));
    else if (!active) actions.push(run(startUnit()));
    return actions;
  },
});
