import { Monitor, Moon, Sun } from 'lucide-react';
import { chooseTheme, type ThemeChoice, useTheme } from '../theme/theme.ts';
import { IconButton } from '../ui/Button.tsx';
import { belowHead } from '../ui/below-head.ts';
import { ChoiceMenu } from '../ui/ChoiceMenu.tsx';

const choices: readonly { readonly value: ThemeChoice; readonly word: string }[] = [
  { value: 'dark', word: 'Dark' },
  { value: 'light', word: 'Light' },
  { value: 'system', word: 'As the system' },
];

const icons = { dark: Moon, light: Sun, system: Monitor } as const;

/** Dark, light, or as the system has it. */
export function ThemeMenu() {
  const choice = useTheme((theme) => theme.choice);
  const Icon = icons[choice];
  return (
    <ChoiceMenu
      trigger={<IconButton label="Theme" icon={<Icon size={15} strokeWidth={1.7} aria-hidden="true" />} />}
      value={choice}
      choices={choices}
      onChoose={chooseTheme}
      sideOffset={belowHead}
    />
  );
}
