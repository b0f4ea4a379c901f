import { homeFolder, systemAccount } from '../system/account.ts';
import { agentSocket } from './keys/agent.ts';
import type { Account } from './route.ts';

/** The account the station runs under, as its environment tells. */
export function thisAccount(): Account {
  const { name: user, home } = systemAccount();
  return {
    home: homeFolder() ?? home,
    user,
    agentSocket: agentSocket(process.env, process.platform),
  };
}
