import { makeConfigDirectory, protectMachineKey, writeConfig } from '../device/commands.ts';
import { raiseEpoch } from '../device/fence.ts';
import { makeKeyPair } from '../device/key-birth.ts';
import { type Action, defineStep, run } from './define-step.ts';

/**
 * Key and config, late on purpose: a key is minted, or registered, only when all else is in place to take it. A key that is on
 * the device, belongs to this machine user and still logs in is kept; wrong rights are repaired, without minting.
 */
export const keyConfig = defineStep({
  id: 'key-config',
  changesAgent: true,
  plan: ({ facts, desired }) => {
    const key = facts.key;
    const keyIsRight =
      key !== undefined && key.userId === desired.userId && desired.liveKeyIds.includes(key.keyId);
    const configIsRight = facts.configSha256 === desired.config.sha256;
    if (facts.configDirectoryRight && keyIsRight && key.protectedRight && configIsRight) return [];
    const actions: Action[] = [];
    if (!keyIsRight && desired.bornPair !== undefined && facts.canMakeKeys) {
      const fragments = [makeKeyPair(desired.bornPair)];
      actions.push({ kind: 'make-key', fragments }, { kind: 'mint-key' }, { kind: 'prove-key' });
    } else if (!keyIsRight) actions.push({ kind: 'mint-key' });
    actions.push(run(makeConfigDirectory()));
    if (!keyIsRight) actions.push(run(raiseEpoch()), { kind: 'deliver-key' });
    else if (!key.protectedRight) actions.push(run(protectMachineKey()));
    if (!configIsRight) actions.push(run(writeConfig(desired.config.content)));
    return actions;
  },
});
