import { create } from 'zustand';

export const screens = ['bench', 'board', 'fleet', 'set-up'] as const;
export type Screen = (typeof screens)[number];

/** The digit that leads to a screen together with Ctrl; each keeps its own, whichever others there are. */
export const screenKeys: Readonly<Record<Screen, number>> = { bench: 1, board: 2, fleet: 3, 'set-up': 6 };

interface Navigation {
  readonly screen: Screen;
  /** The sign-in stands over the screen while nobody is signed in, until the operator goes elsewhere. */
  readonly signInShown: boolean;
  readonly shortcutsShown: boolean;
  /** The side panel as a drawer, in a window too narrow for both. */
  readonly panelShown: boolean;
}

export const useNavigation = create<Navigation>(() => ({
  screen: 'bench',
  signInShown: true,
  shortcutsShown: false,
  panelShown: false,
}));

/** Shows a screen. */
export function goTo(screen: Screen): void {
  useNavigation.setState({ screen, signInShown: false, panelShown: false });
}

/** Shows the sign-in, or the screen behind it. */
export function showSignIn(signInShown: boolean): void {
  useNavigation.setState({ signInShown });
}

/** Opens or closes the overview of shortcuts. */
export function showShortcuts(shortcutsShown: boolean): void {
  useNavigation.setState({ shortcutsShown });
}

/** Opens or closes the side panel of a narrow window. */
export function showPanel(panelShown: boolean): void {
  useNavigation.setState({ panelShown });
}
