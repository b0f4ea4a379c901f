/** Colours by meaning, for a terminal. */
export interface Paint {
  strong(text: string): string;
  dim(text: string): string;
  done(text: string): string;
  running(text: string): string;
  attention(text: string): string;
  failed(text: string): string;
}

const same = (text: string): string => text;

/** No colours: for pipes and `NO_COLOR`. */
export const plainPaint: Paint = {
  ...{ strong: same, dim: same, done: same, running: same, attention: same, failed: same },
};

const sgr =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;

/** The sixteen colours every terminal has, so that the user's own theme decides how they look. */
export const colourPaint: Paint = {
  strong: sgr(1),
  dim: sgr(2),
  done: sgr(32),
  running: sgr(36),
  attention: sgr(33),
  failed: sgr(31),
};
