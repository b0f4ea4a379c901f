import type { LabClock } from './clock.ts';
import type { DeviceRequests } from './oidc/device-requests.ts';
import type { MemoryControl } from './oidc/memory-adapter.ts';
import { labPeople } from './people.ts';
import type { RsaKeyPool } from './rsa-keys.ts';
import type { SearchLag, Store } from './store.ts';
import type { Tokens } from './tokens.ts';

/** What a test can do to the provider while it runs. */
export interface LabControl extends MemoryControl {
  /**
   * Decides a sign-in without the pages, for labs that a test's own `fetch` cannot reach (TLS, another name).
   * @throws when nobody waits with this code, or there is no such person.
   */
  decideSignIn(decision: SignInDecision): Promise<void>;
  /** Every access token given out so far is refused from now on; personal access tokens stay. */
  endAccessTokens(): void;
  /** Sets the provider's clock wrong: `Date` headers, tokens and the judging of assertions follow it. */
  setClockOffset(seconds: number): void;
  /** Time comes from this clock from now on, in milliseconds since the epoch: all of the provider's, searches included. */
  followClock(nowMs: () => number): void;
  setSearchLag(searchLagMs: SearchLag): void;
  /** Ends when `keyPoolSize` pairs are made, so that a measurement does not measure their making. */
  keysReady(): Promise<void>;
  /** The provider goes down: connections are cut, new ones refused. What it knows stays, as in a database. */
  goDown(): Promise<void>;
  /** It listens again, on the same port. @throws when the port was taken meanwhile, or the lab has stopped. */
  comeBack(): Promise<void>;
}

export interface SignInDecision {
  readonly userCode: string;
  /** The lab's organisation owner when absent. */
  readonly loginName?: string;
  readonly deny?: boolean;
}

export interface ControlParts {
  readonly keyPool: RsaKeyPool;
  readonly requests: DeviceRequests;
  readonly clock: LabClock;
  readonly store: Store;
  readonly tokens: Tokens;
  readonly memory: MemoryControl;
  close(): Promise<void>;
  listen(): Promise<void>;
}

export function labControl(parts: ControlParts): LabControl {
  const { clock, store, tokens, memory, close, listen } = parts;
  return {
    ...memory,
    decideSignIn: (decision) => decideSignIn(parts, decision),
    endAccessTokens: () => tokens.revokeAll(),
    setClockOffset: (seconds) => {
      clock.offsetSeconds = seconds;
    },
    followClock: (nowMs) => clock.follow(nowMs),
    setSearchLag: (searchLagMs) => store.setSearchLag(searchLagMs),
    keysReady: () => parts.keyPool.full(),
    goDown: close,
    comeBack: listen,
  };
}

async function decideSignIn({ store, requests }: ControlParts, decision: SignInDecision): Promise<void> {
  const { userCode, loginName = labPeople.owner.loginName, deny = false } = decision;
  const user = store.findLive(store.users, (one) => one.loginName === loginName);
  const found = await requests.find(userCode);
  if (user === undefined || typeof found === 'string') {
    throw new Error(user === undefined ? `no ${loginName} in the lab` : `the code ${userCode} is ${found}`);
  }
  await (deny ? found.deny() : found.approve(user.id));
}
