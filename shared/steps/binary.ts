import { defineStep } from './define-step.ts';

/** Puts the agent binary in place; skipped when its SHA-256, owner, group and mode are right. */
export const binary = defineStep({
  id: 'binary',
  changesAgent: true,
  plan: ({ facts, desired }) => (facts.binarySha256 === desired.binary.sha256 ? [] : [{ kind: 'upload' }]),
});
