import type { TokenCache, TokenSet } from '../../engine/ports.ts';

/**
 * Remembers a sign-in until the station closes.
 * @param notShared why it is in memory, for the operator
 */
export function createMemoryTokenCache(
  notShared = 'The token cache is off (no-cache): the sign-in is for this station alone.',
): TokenCache {
  let kept: TokenSet | undefined;
  return {
    place: 'Memory of this station',
    deletedByHand: 'Close this Muster: nothing of it is kept anywhere else.',
    notShared,
    load: async () => kept,
    save: async (tokens) => {
      kept = tokens;
    },
    remove: async () => {
      kept = undefined;
    },
    // Nobody else can look into this memory.
    exclusively: (work) => work(),
    whileSigningIn: (work) => work(),
  };
}
