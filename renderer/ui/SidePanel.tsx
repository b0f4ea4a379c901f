import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { useMedia } from './use-media.ts';

/** From this width on the panel stands beside the table; below it is a drawer. */
export const PANEL_BESIDE = '(min-width: 1280px)';

/** The right-hand panel of a screen. */
export function SidePanel({
  width,
  title,
  open,
  onOpenChange,
  children,
}: {
  readonly width: number;
  readonly title: string;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly children: ReactNode;
}) {
  const beside = useMedia(PANEL_BESIDE);
  if (beside) {
    return (
      <div className="min-h-0 shrink-0 border-l border-line-2" style={{ width }}>
        {children}
      </div>
    );
  }
  return (
    <Dialog.Root open={open} onOpenChange={(next) => onOpenChange(next)} modal="trap-focus">
      <Dialog.Portal>
        <Dialog.Backdrop className="overlay fixed inset-x-0 bottom-6 top-[var(--h-head)] z-20 bg-scrim" />
        <Dialog.Popup
          aria-label={title}
          className="overlay slide-in fixed bottom-6 right-0 top-[var(--h-head)] z-20 border-l border-line-2 bg-panel shadow-[-12px_0_32px_rgb(0_0_0/.3)] outline-none"
          style={{ width }}
        >
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
