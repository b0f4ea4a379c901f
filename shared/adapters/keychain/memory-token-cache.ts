import type { TokenCache, TokenSet } from '../../engine/ports.ts';

/** Remembers a sign-in until the station closes. */
export function createMemoryTokenCache(): TokenCache {
  let kept: TokenSet | undefined;
  return {
    place: 'Memory of this station',
    load: async () => kept,
    save: async (tokens) => {
      kept = tokens;
    },
    remove: async () => {
      kept = undefined;
    },
    // Nobody else can look into this memory.
    exclusively: (work) => work(),
  };
}
