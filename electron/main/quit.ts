/** What the end of the app needs of its window. */
export interface EndingWindow {
  /** Takes it out of sight, which is what the operator has asked for. */
  hide(): void;
  /** Closes it where it is still open, whatever its page says; resolves once the page's process is gone. */
  close(): Promise<void>;
}

export interface QuitOptions {
  /** None when the app ends before it has one. */
  readonly window: EndingWindow | undefined;
  /** Ends engine and lab; they have limits of their own. */
  readonly stopParts: () => Promise<void>;
  readonly exit: (status: number) => void;
  readonly warn: (text: string) => void;
}

/**
 * Ends the app in order: window out of sight, engine and lab ended, window closed, its page gone, and then the process.
 * A page that outlives the main process learns of the end by a broken connection, and crashes or hangs where nobody sees it.
 * The window is closed after engine and lab, because Chromium may hang for ever when one is closed before it was drawn.
 */
export async function quitInOrder({ window, stopParts, exit, warn }: QuitOptions): Promise<void> {
  const attempt = async (part: () => Promise<void> | undefined): Promise<void> => {
    try {
      await part();
    } catch (error) {
      // What does not end in order ends with the process.
      warn(`Not everything ended in order: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  window?.hide();
  await attempt(stopParts);
  await attempt(() => window?.close());
  exit(0);
}
