import { Menu } from '@base-ui/react/menu';
import { Check } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';

/** A menu of which one entry holds. `trigger` is the button that opens it. */
export function ChoiceMenu<V extends string>({
  trigger,
  value,
  choices,
  onChoose,
  sideOffset,
}: {
  readonly trigger: ReactElement;
  readonly value: V;
  readonly choices: readonly { readonly value: V; readonly word: string }[];
  readonly onChoose: (value: V) => void;
  readonly sideOffset?: number | (() => number);
}) {
  return (
    <Menu.Root>
      <Menu.Trigger render={trigger} />
      <MenuBox sideOffset={sideOffset}>
        <Menu.RadioGroup value={value} onValueChange={(next) => onChoose(next as V)}>
          {choices.map((choice) => (
            <Menu.RadioItem key={choice.value} value={choice.value} closeOnClick className={menuItemClass}>
              <span className="w-4">
                <Menu.RadioItemIndicator>
                  <Check size={14} aria-hidden="true" />
                </Menu.RadioItemIndicator>
              </span>
              {choice.word}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </MenuBox>
    </Menu.Root>
  );
}

export const menuItemClass =
  'flex h-7 cursor-default items-center gap-2 rounded-1 px-2 text-sm text-ink-1 outline-none data-[highlighted]:bg-hover';

/** The box a menu opens in. */
export function MenuBox({
  sideOffset = 4,
  children,
}: {
  readonly sideOffset?: number | (() => number) | undefined;
  readonly children: ReactNode;
}) {
  return (
    <Menu.Portal>
      <Menu.Positioner sideOffset={sideOffset} align="end" className="z-50">
        <Menu.Popup className="overlay forced-edge min-w-[180px] rounded-3 border border-line-2 bg-raised p-1 shadow-[0_8px_24px_rgb(0_0_0/.28)] outline-none">
          {children}
        </Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  );
}
