import { defineStep } from './define-step.ts';

/** Waits for the first heartbeat of this enrollment; only then is the device enrolled. */
export const heartbeat = defineStep({
  id: 'heartbeat',
  changesAgent: false,
  skip: ({ desired }) =>
    desired.watchesHeartbeats ? undefined : 'Installed, heartbeat not checked: the profile names no NATS.',
  plan: () => [{ kind: 'wait-for-heartbeat' }],
});
