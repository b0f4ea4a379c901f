import { addSubordinateIds, createAgentUser, enableLinger, enablePodmanSocket } from '../device/commands.ts';
import { type Action, defineStep, run } from './define-step.ts';

/** System user with id ranges, kept lingering so that its podman socket answers without a login. */
export const agentUser = defineStep({
  id: 'user',
  changesAgent: false,
  plan: ({ facts: { agentUser: user } }) => {
    const actions: Action[] = [];
    if (!user.exists) actions.push(run(createAgentUser()));
    if (!user.hasSubordinateIds) actions.push(run(addSubordinateIds()));
    if (!user.lingering) actions.push(run(enableLinger()));
    if (!user.podmanSocketEnabled) actions.push(run(enablePodmanSocket()));
    return actions;
  },
});
