import { waitText } from '../model/duration-text.ts';
import type { EnrollmentErrorCode } from '../model/error-codes.ts';
import type { Profile } from '../model/profile.ts';
import type { Lamp, ProfileView, SessionView, StationState } from '../model/station-state.ts';
import type { HeartbeatLink } from './ports.ts';

/** What the window is told about the profile. */
export function viewProfile(profile: Profile): ProfileView {
  return {
    name: profile.name,
    issuer: profile.identity.issuer,
    projectId: profile.identity.project_id,
    natsUrls: profile.nats?.urls ?? [],
    sshUser: profile.ssh.user,
    labels: profile.labels,
    concurrency: profile.batch.concurrency,
    acceptsInvalidCerts: profile.identity.danger_accept_invalid_certs,
    remembersTokens: mayRememberTokens(profile),
  };
}

/**
 * Whether the profile lets an access token that was handed in be remembered. Where only a refresh token is believed, or
 * nothing is kept at all, one would be of no use after a restart.
 */
export function mayRememberTokens({ identity }: Profile): boolean {
  return identity.token_cache === 'default';
}

/** The identity lamp follows the sign-in. */
export function identityLamp(session: SessionView): Lamp {
  switch (session.state) {
    case 'signed-in':
      return session.error === undefined
        ? { state: 'ok', word: 'ok', detail: session.account }
        : { state: 'attention', word: troubleWord(session.error.code), detail: session.error.says };
    case 'other-signs-in':
      return {
        state: 'working',
        word: 'signing in',
        detail: 'Another Muster on this computer shows a code.',
      };
    case 'starting':
    case 'awaiting-approval':
      return { state: 'working', word: 'signing in' };
    case 'signed-out':
      // What is wrong with the keychain is told by its own lamp.
      return session.error === undefined || aboutKeychain.has(session.error.code)
        ? { state: 'waiting', word: 'waits for sign-in' }
        : session.error.code === 'IDENTITY_NOT_REVOKED'
          ? { state: 'attention', word: 'not revoked', detail: session.error.says }
          : { state: 'failed', word: 'failed', detail: session.error.says };
  }
}

const aboutKeychain = new Set<EnrollmentErrorCode>([
  'STATION_KEYCHAIN_LOCKED',
  'STATION_SIGN_IN_NOT_FORGOTTEN',
]);

function troubleWord(code: EnrollmentErrorCode): string {
  return code === 'IDENTITY_CLOCK_SKEW' ? 'clock is off' : 'not renewed';
}

/** The NATS lamp follows the link; before anybody signed in there is none. */
export function natsLamp(link: HeartbeatLink | undefined, isConfigured: boolean, isSignedIn: boolean): Lamp {
  if (!isConfigured)
    return {
      state: 'waiting',
      word: 'not set up',
      detail: 'The profile names no NATS; heartbeats are not checked.',
    };
  if (!isSignedIn || link === undefined) return { state: 'waiting', word: 'waits for sign-in' };
  if (link.state === 'live') return { state: 'ok', word: 'ok' };
  if (link.state === 'connecting') return { state: 'working', word: 'connecting' };
  const word = link.code === 'NATS_REFUSED' ? 'refused' : 'lost';
  return { state: 'failed', word, detail: link.evidence };
}

/** The state of a station that has just started. */
export function initialState(
  station: StationState['station'],
  profile: Profile | undefined,
): Omit<StationState, 'revision'> {
  const session: SessionView = { state: 'signed-out' };
  return {
    station,
    ...(profile === undefined ? {} : { profile: viewProfile(profile) }),
    lamps: {
      identity: identityLamp(session),
      nats: natsLamp(undefined, profile?.nats !== undefined, false),
      keychain: { state: 'working', word: 'opening' },
    },
    session,
    bench: [],
    rows: {},
    fleet: {},
    notices: [],
  };
}

/** What the operator is told about keys that were left behind and are gone now. */
export function deletedKeysText(count: number): string {
  const [keys, were] = count === 1 ? ['key', 'was'] : ['keys', 'were'];
  return `${count} ${keys} of an interrupted run never reached a device and ${were} deleted.`;
}

/** What the operator is told of a token that was handed in, after the sign-out. */
export function tokenForgottenText(account: string): string {
  return `The access token of ${account} is forgotten here. It was not issued for Muster, so it was not revoked: end it at the provider if nobody else uses it.`;
}

/** What the operator is told about devices that may hold a new key, or not. */
export function undecidedKeysText(count: number): string {
  const [devices, them] = count === 1 ? ['device was', 'it'] : ['devices were', 'them'];
  return `${count} ${devices} cut off while taking a new key. Enroll ${them} again to settle it.`;
}

/** Told once for all that waits when the sign-in ends. */
export function signInAwaitedText(patienceMs: number, waits = 'Devices that need one wait'): string {
  return `The sign-in has ended. ${waits} ${limitText(patienceMs)} for the next; nothing is lost. Sign in again.`;
}

/** The provider has asked for a pause, which all calls keep. */
export function providerPauseText(ms: number): string {
  return `The identity provider takes no more requests for ${waitText(ms)}. What needs it waits, then goes on by itself.`;
}

function limitText(ms: number): string {
  const [count, unit] = ms < 60_000 ? [Math.round(ms / 1000), 'second'] : [Math.round(ms / 60_000), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
