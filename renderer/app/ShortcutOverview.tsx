import { Kbd } from '../ui/Button.tsx';
import { DialogBox } from '../ui/DialogBox.tsx';
import { showShortcuts, useNavigation } from './navigation.ts';

const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ['Ctrl 1', 'Bench'],
  ['Ctrl 2', 'Board'],
  ['Ctrl 3', 'Fleet'],
  ['Ctrl 6', 'Set-up'],
  ['↑ ↓ Home End', 'Move in a table'],
  ['PgUp PgDn', 'Move by a page'],
  ['Enter', 'Open the device; on the Bench, edit its id'],
  ['Esc', 'Close the topmost thing'],
  ['Space', 'Choose a row of the Bench or the Fleet'],
  ['Shift ↑ ↓', 'Choose several rows of the Fleet'],
  ['/', 'Filter'],
  ['R', 'Retry the selected device'],
  ['Shift R', 'Retry all of its cause'],
  ['N  Shift N', 'Next, previous that failed'],
  ['S', 'Apply the held order'],
  ['Ctrl Enter', 'Primary action of the screen'],
  ['F6', 'Next region: rail, top bar, toolbar, table, panel'],
  ['?', 'This overview'],
];

/** The keys, in a dialog. */
export function ShortcutOverview() {
  const open = useNavigation((navigation) => navigation.shortcutsShown);
  return (
    <DialogBox open={open} onClose={() => showShortcuts(false)} title="Keys" width={600}>
      <dl className="grid grid-cols-2 gap-x-8">
        {shortcuts.map(([keys, does]) => (
          <div key={keys} className="flex min-h-8 items-center gap-3 border-t border-line-1 py-1">
            <dt className="w-[104px] shrink-0">
              <Kbd>{keys}</Kbd>
            </dt>
            <dd className="text-xs text-ink-2">{does}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 text-xs text-ink-3">Single letters work while a table or a device has the focus.</p>
    </DialogBox>
  );
}
