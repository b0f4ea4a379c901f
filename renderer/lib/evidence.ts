/** What is told of an error. */
interface ToldError {
  readonly code: string;
  readonly says: string;
  readonly cause: string;
  readonly operatorDoes: string;
  readonly evidence?: string | undefined;
}

const LONGEST = 65_536;

/**
 * Everything a colleague needs to judge an error, as text. Secrets are masked before they get here.
 * @param about who or what it happened to
 */
export function evidenceText(error: ToldError, about = ''): string {
  return [
    `${error.code} ${about}`.trim(),
    error.says,
    `Likely cause: ${error.cause}`,
    `What to do: ${error.operatorDoes}`,
    ...(error.evidence === undefined ? [] : ['', error.evidence]),
  ]
    .join('\n')
    .slice(0, LONGEST);
}
