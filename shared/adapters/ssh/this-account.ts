import { homedir, userInfo } from 'node:os';
import { agentSocket } from './keys/agent.ts';
import type { Account } from './route.ts';

/** The account the station runs under, as its environment tells. */
export function thisAccount(): Account {
  return {
    home: homedir(),
    user: userInfo().username,
    agentSocket: agentSocket(process.env, process.platform),
  };
}
