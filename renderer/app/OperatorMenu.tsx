import { Popover } from '@base-ui/react/popover';
import { ChevronDown, LogOut, UserRound } from 'lucide-react';
import type { SessionView } from '#shared/model/station-state.ts';
import { formatHourMinute, formatSpanWords } from '../lib/format.ts';
import { hostOf } from '../lib/host-of.ts';
import { Button } from '../ui/Button.tsx';
import { belowHead } from '../ui/below-head.ts';
import { StateGlyph } from '../ui/StateGlyph.tsx';
import { act } from './bridge.ts';
import { showSignIn } from './navigation.ts';
import { useStation } from './station-store.ts';
import { useNow } from './ticker.ts';

/** From here on the end of a sign-in that cannot renew itself is announced. */
const ENDS_SOON_MS = 15 * 60_000;

type SignedIn = Extract<SessionView, { state: 'signed-in' }>;

/** Who is signed in and for how long; behind it, the account in full and the way out. */
export function OperatorMenu() {
  const session = useStation((station) => station.session);
  const shown = useStation((station) => station.revision > 0);
  if (!shown) return null;
  if (session.state === 'signed-in') return <Operator session={session} />;
  return (
    <span className="flex items-center gap-3">
      <span className="flex items-center gap-2 text-xs text-ink-2">
        <UserRound size={15} strokeWidth={1.7} aria-hidden="true" />
        Not signed in
      </span>
      {session.state === 'signed-out' ? (
        <Button size="small" onClick={startSignIn}>
          Sign in
        </Button>
      ) : (
        <Button size="small" onClick={() => showSignIn(true)}>
          {session.state === 'other-signs-in' ? 'Show the sign-in' : 'Show the code'}
        </Button>
      )}
    </span>
  );
}

function startSignIn(): void {
  showSignIn(true);
  void act('session.signIn');
}

/** A renewable sign-in is renewed by its next use, once its provider answers. */
function endedWords(session: SignedIn): string {
  if (!session.renewable) return 'sign-in has ended';
  return session.error === undefined ? 'renewed when used' : 'not renewed yet';
}

/** How long it lasts; a token that was handed in may not tell. */
function leftWords(session: SignedIn, leftMs: number | undefined): string {
  if (leftMs === undefined) return 'signed in by a token';
  return leftMs > 0 ? `signed in, ${formatSpanWords(leftMs)} left` : `signed in, ${endedWords(session)}`;
}

/** When the sign-in is renewed, or how it ends. */
function endWords({ renewable, expiresAt }: SignedIn): string {
  if (expiresAt === undefined) return 'when the provider ends the access token; it does not tell when';
  const at = formatHourMinute(expiresAt);
  return renewable ? `by itself, next before ${at}` : `at ${at}, then sign in again`;
}

/** What signing out does with the sign-in. */
function signOutWords(session: SignedIn): string {
  const kept = session.remembered === 'keychain';
  const words =
    session.handedIn === true
      ? `Signing out forgets the access token${kept ? ', here and in the keychain' : ''}. It was not issued for Muster, so it is not revoked.`
      : `Signing out revokes the sign-in${kept ? ' and removes it from the keychain' : ''}.`;
  return `${words} Enrolled devices stay as they are.`;
}

function Operator({ session }: { readonly session: SignedIn }) {
  const now = useNow();
  const leftMs = session.expiresAt === undefined ? undefined : session.expiresAt - now;
  const endsSoon = leftMs !== undefined && leftMs < ENDS_SOON_MS && !session.renewable;
  const left = leftWords(session, leftMs);
  return (
    <>
      {endsSoon ? (
        <Button size="small" onClick={startSignIn}>
          Sign in again
        </Button>
      ) : null}
      <Popover.Root>
        <Popover.Trigger className="flex h-7 min-w-0 items-center gap-2 rounded-2 px-2 hover:bg-hover">
          <UserRound size={15} strokeWidth={1.7} className="shrink-0" aria-hidden="true" />
          <span className="flex min-w-0 items-baseline gap-2.5">
            <span className="max-w-[180px] truncate font-semibold">{session.account}</span>
            {session.organisation === undefined ? null : (
              <span className="hidden max-w-[200px] truncate text-ink-2 wide:inline">
                {session.organisation}
              </span>
            )}
            <span className={`whitespace-nowrap text-xs ${endsSoon ? 'text-attn-fg' : 'text-ink-2'}`}>
              {left}
            </span>
          </span>
          <ChevronDown size={14} strokeWidth={1.7} className="shrink-0 text-ink-3" aria-hidden="true" />
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Positioner sideOffset={belowHead} align="end" className="z-50">
            <Popover.Popup className="overlay forced-edge w-[360px] rounded-3 border border-line-2 bg-raised shadow-[0_8px_24px_rgb(0_0_0/.28)] outline-none">
              <Account session={session} />
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
    </>
  );
}

/** The sign-in in full: whose it is, where it is kept, when it ends, and what signing out does. */
function Account({ session }: { readonly session: SignedIn }) {
  const profile = useStation((station) => station.profile);
  const busy = useStation((station) => station.batch !== undefined && station.batch.state !== 'finished');
  const kept = session.remembered === 'keychain';
  return (
    <>
      <div className="border-b border-line-2 px-4 pb-3 pt-3.5">
        <Popover.Title className="selectable text-md font-semibold leading-5 [overflow-wrap:anywhere]">
          {session.account}
        </Popover.Title>
        <dl className="selectable mt-2.5 grid grid-cols-[92px_minmax(0,1fr)] gap-y-1.5 text-xs leading-[17px]">
          <dt className="text-ink-2">Organisation</dt>
          <dd>{session.organisation ?? <span className="text-ink-3">not named by the provider</span>}</dd>
          <dt className="text-ink-2">Signed in at</dt>
          <dd className="mono [overflow-wrap:anywhere]">{hostOf(profile?.issuer ?? '')}</dd>
          <dt className="text-ink-2">{session.renewable ? 'Renewed' : 'Ends'}</dt>
          <dd>{endWords(session)}</dd>
          <dt className="text-ink-2">Remembered</dt>
          <dd className="flex gap-2">
            <StateGlyph shape={kept ? 'tick' : 'triangle'} className="mt-[3px]" />
            <span className="min-w-0 [overflow-wrap:anywhere]">
              {kept ? session.rememberedNote : `Until Muster closes. ${session.rememberedNote}`}
            </span>
          </dd>
        </dl>
        {session.error === undefined ? null : (
          <p className="selectable mt-2.5 flex gap-2 text-xs leading-[17px]">
            <StateGlyph shape="triangle" className="mt-[3px]" />
            <span className="min-w-0">{`${session.error.says} ${session.error.operatorDoes}`}</span>
          </p>
        )}
      </div>
      <div className="flex items-center gap-4 px-4 py-3">
        <Popover.Description className="min-w-0 flex-1 text-xs leading-[17px] text-ink-2">
          {busy ? 'A batch is running with this sign-in. Sign out when it has ended.' : signOutWords(session)}
        </Popover.Description>
        <Button
          disabled={busy}
          icon={<LogOut size={14} strokeWidth={1.7} aria-hidden="true" />}
          onClick={() => void act('session.signOut')}
        >
          Sign out
        </Button>
      </div>
    </>
  );
}
