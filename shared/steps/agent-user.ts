import {
  addSubordinateIds,
  awaitPodmanSocket,
  createAgentUser,
  enableLinger,
  enablePodmanSocket,
  enablePodmanSocketAhead,
  giveAgentGroup,
  repairAgentHome,
} from '../device/user-commands.ts';
import { type Action, defineStep, run } from './define-step.ts';

/**
 * System user with a group, a home and id ranges of its own, kept lingering so that its podman socket answers without
 * a login. A user of an older generation keeps its id, its shell and a home that is its own.
 */
export const agentUser = defineStep({
  id: 'user',
  changesAgent: false,
  plan: ({ facts: { agentUser: user } }) => {
    const actions: Action[] = [];
    // Which sockets are enabled is kept in the home: another home has none.
    const getsHome = !user.exists || !user.hasHome;
    if (!user.exists) actions.push(run(createAgentUser()));
    if (user.exists && !user.hasOwnGroup) actions.push(run(giveAgentGroup()));
    if (user.exists && !user.hasHome) actions.push(run(repairAgentHome()));
    if (!user.hasSubordinateIds) actions.push(run(addSubordinateIds()));
    const wantsSocket = !user.podmanSocketEnabled || !user.podmanSocketListens || getsHome;
    const isAhead = wantsSocket && !user.managerRunning;
    if (isAhead) actions.push(run(enablePodmanSocketAhead()));
    if (!user.lingering || !user.managerRunning || getsHome) actions.push(run(enableLinger()));
    if (isAhead) actions.push(run(awaitPodmanSocket()));
    else if (wantsSocket) actions.push(run(enablePodmanSocket()));
    return actions;
  },
});
