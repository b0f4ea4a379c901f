import type { SessionView } from '#shared/model/station-state.ts';

/**
 * What became of the sign-in, in one sentence, for those who do not see the screen. Empty where nothing changed that
 * the screen does not say by itself: why nobody is signed in stands there as an alert.
 */
export function spokenSession(before: SessionView, after: SessionView): string {
  if (after.state === 'awaiting-approval') {
    const asked = before.state === 'awaiting-approval' ? before : undefined;
    const words = [
      after.browserOpened === false && asked?.browserOpened !== false
        ? 'The browser did not open. Use any phone or computer.'
        : '',
      asked?.notShared === after.notShared ? '' : (after.notShared ?? ''),
    ];
    return words.filter((word) => word !== '').join(' ');
  }
  if (before.state === after.state) return '';
  if (after.state === 'starting') return 'Asking the identity provider for a code.';
  if (after.state === 'other-signs-in') return 'Another Muster on this computer is signing in.';
  if (after.state === 'signed-in') {
    const organisation = after.organisation === undefined ? '' : `, ${after.organisation}`;
    const kept = after.remembered === 'keychain' ? 'Remembered' : 'Not remembered';
    return `Signed in as ${after.account}${organisation}. ${kept}.`;
  }
  if (after.error === undefined || after.error.code === 'IDENTITY_SIGN_IN_CANCELLED')
    return before.state === 'signed-in' ? 'Signed out.' : 'Sign-in cancelled.';
  return after.error.code === 'IDENTITY_CODE_EXPIRED' ? 'The code has expired. Get a new code.' : '';
}
