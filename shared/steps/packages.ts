import { installPackages } from '../device/apt-commands.ts';
import { defineStep, run } from './define-step.ts';

/** Installs what is missing of the packages the agent needs. */
export const packages = defineStep({
  id: 'packages',
  changesAgent: false,
  plan: ({ facts }) =>
    facts.missingPackages.length === 0 ? [] : [run(installPackages(facts.missingPackages))],
});
