import { type ForgottenSignIn, forgetSignIn } from '../engine/forget-sign-in.ts';
import { toErrorView } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import type { Profile } from '../model/profile.ts';
import { type CommandContext, openPorts, type StationOptions } from './command-context.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';

/**
 * `muster sign-out`: revokes the remembered sign-in at the provider and forgets it here. Where nothing is remembered it
 * says so. No station is needed: the journal is only read.
 * @throws STATION_KEYCHAIN_UNAVAILABLE, STATION_KEYCHAIN_LOCKED, STATION_TOKEN_FILE_FOREIGN,
 *   STATION_SIGN_IN_NOT_FORGOTTEN
 */
export async function signOut(
  context: CommandContext,
  profile: Profile,
  options: StationOptions,
): Promise<ExitCode> {
  const { output, interrupts, secrets } = context;
  const { token, ...others } = secrets;
  if (token !== undefined)
    output.note(`${token.variable} is left as it is: what was handed in is not remembered.`);
  const ports = openPorts({ ...context, secrets: others }, profile, options, 'read');
  try {
    const { clock, logger, signIn: client, tokenCache: cache } = ports;
    const forgotten = await forgetSignIn({ clock, logger, client, cache }, interrupts.signal);
    const { state } = forgotten;
    const place = cache.place;
    if (state === 'nothing') {
      const why = cache.notShared === undefined ? '' : ` ${cache.notShared}`;
      output.event(
        'signed-out',
        { state, place },
        `Nobody was signed in: nothing is remembered (${place}).${why}`,
      );
      return exitCodes.ok;
    }
    const { account, left } = forgotten;
    const views = left.map(toErrorView);
    const stays = views.some(({ code }) => code === 'STATION_SIGN_IN_NOT_FORGOTTEN');
    output.event('signed-out', { state, account, place, stays }, saidOf(forgotten, place, stays));
    for (const view of views) output.error(view);
    const [first] = views;
    return first === undefined ? exitCodes.ok : exitCodeOf(first.code);
  } finally {
    await ports.close();
  }
}

/** What became of a sign-in, in one line. */
function saidOf(
  { state, account }: Exclude<ForgottenSignIn, { state: 'nothing' }>,
  place: string,
  stays: boolean,
): string {
  const name = printable(account);
  if (state === 'handed-in')
    return `The access token of ${name} ${stays ? 'is still kept' : 'is forgotten'} here (${place}). It was not issued for Muster, so it was not revoked: end it at the provider if nobody else uses it.`;
  if (state === 'revoked')
    return stays
      ? `${name} is signed out at the provider, and still kept here (${place}).`
      : `${name} is signed out (${place}).`;
  return stays
    ? `${name} is not signed out: nothing could be revoked or forgotten (${place}).`
    : `${name} is signed out here only (${place}).`;
}
