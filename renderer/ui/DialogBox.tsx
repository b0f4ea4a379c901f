import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';

/** A small dialog in the middle of the window. Escape and a click beside it close it. */
export function DialogBox({
  open,
  onClose,
  title,
  width = 440,
  tall = false,
  finalFocus,
  children,
}: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly width?: number;
  /** Begins near the top, so that much fits; what does not scrolls in it. */
  readonly tall?: boolean;
  /** Where the focus goes when it closes; without, back to where it was. */
  readonly finalFocus?: () => HTMLElement | null;
  readonly children: ReactNode;
}) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="overlay fixed inset-0 z-40 bg-scrim" />
        <Dialog.Popup
          {...(finalFocus === undefined ? {} : { finalFocus })}
          className={`overlay forced-edge fixed left-1/2 ${tall ? 'scroll top-10 max-h-[calc(100vh-64px)]' : 'top-[18%]'} z-40 max-w-[calc(100vw-48px)] -translate-x-1/2 rounded-3 border border-line-2 bg-raised p-5 shadow-[0_16px_48px_rgb(0_0_0/.36)] outline-none`}
          style={{ width }}
        >
          <Dialog.Title className="mb-3 text-lg font-semibold leading-tight">{title}</Dialog.Title>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
