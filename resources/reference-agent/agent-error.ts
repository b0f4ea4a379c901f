/** Where an operator has to look when the agent cannot report. */
export type AgentProblem = 'config' | 'key' | 'issuer' | 'clock' | 'token' | 'nats' | 'refused' | 'bucket';

/** A failure of the agent with a sentence fit for one log line. Never holds a key or a token. */
export class AgentError extends Error {
  readonly problem: AgentProblem;

  constructor(problem: AgentProblem, says: string, cause?: unknown) {
    super(says, { cause });
    this.name = 'AgentError';
    this.problem = problem;
  }
}

/** One line that says what went wrong, with the system's error code where there is one. */
export function describeFailure(error: unknown): string {
  if (error instanceof AgentError) return `${error.problem}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${oneLine(error.message)}` : oneLine(String(error));
}

/** `ECONNREFUSED` and the like, else the message: for the end of a sentence. */
export function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && at.code.length > 0) return at.code;
  }
  return error instanceof Error ? oneLine(error.message) : oneLine(String(error));
}

/** Foreign text on one line, short, and with anything shaped like a token or a key taken out. */
export function oneLine(text: string): string {
  return text
    .replace(/-----BEGIN[\s\S]*?(?:-----END[^-]*-----|$)/g, '[redacted]')
    .replace(/[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, '[redacted]')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}
