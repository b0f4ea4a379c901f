/** What a command may print. A hostile device meets these and nothing else. */
export interface OutputLimits {
  /** One line of output, in UTF-16 units. */
  readonly lineLength: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export const defaultOutputLimits: OutputLimits = {
  lineLength: 64 * 1024,
  stdoutBytes: 4 * 1024 * 1024,
  stderrBytes: 1024 * 1024,
};
