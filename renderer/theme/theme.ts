import { create } from 'zustand';

export const themeChoices = ['dark', 'light', 'system'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

const STORAGE_KEY = 'muster.theme';

interface ThemeStore {
  readonly choice: ThemeChoice;
}

export const useTheme = create<ThemeStore>(() => ({ choice: readChoice() }));

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(STORAGE_KEY);
  return themeChoices.find((choice) => choice === stored) ?? 'system';
}

/** Sets the theme of this window and remembers it on this computer. */
export function chooseTheme(choice: ThemeChoice): void {
  localStorage.setItem(STORAGE_KEY, choice);
  useTheme.setState({ choice });
  showTheme();
}

/** Writes the chosen theme to the document, and follows the system while the choice is `system`. */
export function startTheme(): void {
  systemIsLight.addEventListener('change', showTheme);
  showTheme();
}

const systemIsLight = window.matchMedia('(prefers-color-scheme: light)');

function showTheme(): void {
  const { choice } = useTheme.getState();
  const shown = choice === 'system' ? (systemIsLight.matches ? 'light' : 'dark') : choice;
  document.documentElement.dataset.theme = shown;
}
