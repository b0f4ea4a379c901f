import type { LabClock } from './clock.ts';
import type { MemoryControl } from './oidc/memory-adapter.ts';
import type { SearchLag, Store } from './store.ts';
import type { Tokens } from './tokens.ts';

/** What a test can do to the provider while it runs. */
export interface LabControl extends MemoryControl {
  /** Every access token given out so far is refused from now on; personal access tokens stay. */
  endAccessTokens(): void;
  /** Sets the provider's clock wrong: `Date` headers, tokens and the judging of assertions follow it. */
  setClockOffset(seconds: number): void;
  setSearchLag(searchLagMs: SearchLag): void;
  /** The provider goes down: connections are cut, new ones refused. What it knows stays, as in a database. */
  goDown(): Promise<void>;
  /** It listens again, on the same port. @throws when the port was taken meanwhile, or the lab has stopped. */
  comeBack(): Promise<void>;
}

export interface ControlParts {
  readonly clock: LabClock;
  readonly store: Store;
  readonly tokens: Tokens;
  readonly memory: MemoryControl;
  close(): Promise<void>;
  listen(): Promise<void>;
}

export function labControl({ clock, store, tokens, memory, close, listen }: ControlParts): LabControl {
  return {
    ...memory,
    endAccessTokens: () => tokens.revokeAll(),
    setClockOffset: (seconds) => {
      clock.offsetSeconds = seconds;
    },
    setSearchLag: (searchLagMs) => store.setSearchLag(searchLagMs),
    goDown: close,
    comeBack: listen,
  };
}
