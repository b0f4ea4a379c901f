/** When a second try makes sense: at once, after somebody did what the remedy says, or not at all. */
export type RetryAdvice = 'now' | 'after-fix' | 'never';

/** A secret the operator can enter beside the cause so that a retry can succeed. */
export type SecretNeeded = 'ssh-password' | 'sudo-password' | 'key-passphrase';

/** What the station can do about a cause by itself, once the operator says so. */
export type Offer = 'set-clock' | 'take-over';

/**
 * The operator's texts for one error. `{name}` is filled from the error's details.
 * `says`: what is. `cause`: why, most likely. `operatorDoes`: what to do next.
 */
export interface Remedy {
  readonly title: string;
  readonly says: string;
  readonly cause: string;
  readonly operatorDoes: string;
  readonly retry: RetryAdvice;
  readonly secretNeeded?: SecretNeeded;
  readonly offer?: Offer;
}
