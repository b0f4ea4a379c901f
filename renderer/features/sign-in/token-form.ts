import { create } from 'zustand';
import { endUnderWay } from './new-code.ts';

interface TokenFormStore {
  /** The operator signs in with an access token; the token itself is never kept here. */
  readonly shown: boolean;
}

export const useTokenForm = create<TokenFormStore>(() => ({ shown: false }));

/** Asks for an access token in place of a code. The station keeps one sign-in at a time, so that of the code is ended. */
export async function openTokenForm(): Promise<void> {
  if (await endUnderWay()) useTokenForm.setState({ shown: true });
}

/** Goes back to signing in by code. */
export function closeTokenForm(): void {
  useTokenForm.setState({ shown: false });
}
