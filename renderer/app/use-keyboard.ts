import { useEffect } from 'react';
import { goTo, screenKeys, screens, showShortcuts } from './navigation.ts';

const regionOrder = ['rail', 'top', 'toolbar', 'table', 'panel', 'status'];

/** The keys that work everywhere. Those of a table are handled by the table. */
export function useKeyboard(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (handled(event)) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

function handled(event: KeyboardEvent): boolean {
  if (event.ctrlKey && !event.altKey && !event.metaKey) {
    if (event.key === 'Enter') return pressPrimary();
    const screen = screens.find((one) => String(screenKeys[one]) === event.key);
    if (screen === undefined) return false;
    goTo(screen);
    return true;
  }
  if (event.altKey || event.metaKey) return false;
  if (event.key === 'F6') return focusNextRegion(event.shiftKey ? -1 : 1);
  if (isTyping(event.target)) return false;
  if (event.key === '?') {
    showShortcuts(true);
    return true;
  }
  if (event.key === '/') return focusFilter();
  return false;
}

/** Presses the button that the screen in front marks as its primary action. */
function pressPrimary(): boolean {
  const open = document.querySelector('[role="dialog"], [role="alertdialog"]');
  const button = (open ?? document).querySelector<HTMLButtonElement>('[data-primary]:not(:disabled)');
  button?.click();
  return button !== null;
}

function focusFilter(): boolean {
  const field = document.querySelector<HTMLInputElement>('[data-filter-field]');
  field?.focus();
  field?.select();
  return field !== null;
}

function focusNextRegion(direction: 1 | -1): boolean {
  const regions = regionOrder
    .map((name) => document.querySelector<HTMLElement>(`[data-region="${name}"]`))
    .filter((region) => region !== null);
  const here = regions.findIndex((region) => region.contains(document.activeElement));
  for (let step = 1; step <= regions.length; step += 1) {
    const place =
      (Math.max(here, direction > 0 ? here : 0) + step * direction + regions.length * 2) % regions.length;
    const region = regions[place];
    if (region !== undefined && focusFirstIn(region)) return true;
  }
  return false;
}

function focusFirstIn(region: HTMLElement): boolean {
  const target = region.matches('[tabindex="0"]')
    ? region
    : region.querySelector<HTMLElement>(
        '[tabindex="0"], button:not(:disabled):not([tabindex="-1"]), input, a[href]',
      );
  target?.focus();
  return target !== null;
}

/** Whether keys typed now are text. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, [contenteditable="true"]') !== null
  );
}
