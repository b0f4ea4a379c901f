import type { Fragment } from '../device/fragment.ts';
import type { StepId } from '../model/enrollment.ts';
import type { DeviceFacts } from '../model/facts.ts';

/** What the device should hold when the enrollment is through. Files by their SHA-256 (lower-case hex). */
export interface Desired {
  readonly config: { readonly content: string; readonly sha256: string };
  readonly unit: { readonly content: string; readonly sha256: string };
  readonly binary: { readonly sizeBytes: number; readonly sha256: string };
  readonly userId: string;
  /** Keys of the machine user that a device may keep: they log in, and are not to be replaced. */
  readonly liveKeyIds: readonly string[];
  /** All keys of the machine user, also those that do not log in any more: what a new key replaces. */
  readonly keyIdsBefore: readonly string[];
  /** Whether heartbeats can be watched at all. */
  readonly watchesHeartbeats: boolean;
  /** What the pair is called that the device makes itself, where it can; undefined where its key shall be minted. */
  readonly bornPair: string | undefined;
}

/**
 * What a step still has to do. Only the engine performs actions; a plan is plain data that can be shown,
 * compared in a test and journaled.
 */
export type Action =
  | { readonly kind: 'run'; readonly fragment: Fragment }
  | { readonly kind: 'upload' }
  /** The device makes a key pair: early, so that it costs no exchange of its own where there is one before. */
  | { readonly kind: 'make-key'; readonly fragments: readonly Fragment[] }
  /** Has a key minted, or the public half of the device's own registered. */
  | { readonly kind: 'mint-key' }
  /** The device signs a login with the key it made, before that takes the place of another. */
  | { readonly kind: 'prove-key' }
  | { readonly kind: 'deliver-key' }
  | { readonly kind: 'wait-for-heartbeat' };

export interface PlanContext {
  readonly facts: DeviceFacts;
  readonly desired: Desired;
  /** True when an earlier step changes the binary, the key or the config: the agent has to start anew. */
  readonly agentChanges: boolean;
}

/** One step: its name on the board and, given the facts, the actions still pending. Pure. */
export interface Step {
  readonly id: StepId;
  /** Why the step is left out, or undefined. */
  skip?(context: PlanContext): string | undefined;
  plan(context: PlanContext): readonly Action[];
  /** True when its actions change what the running agent was started with. */
  readonly changesAgent: boolean;
}

/** Declares a step. */
export function defineStep(step: Step): Step {
  return step;
}

/** A fragment as an action. */
export function run(fragment: Fragment): Action {
  return { kind: 'run', fragment };
}
