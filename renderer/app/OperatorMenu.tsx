import { Menu } from '@base-ui/react/menu';
import { ChevronDown, LogOut, UserRound } from 'lucide-react';
import type { SessionView } from '#shared/model/station-state.ts';
import { formatHourMinute, formatSpanWords } from '../lib/format.ts';
import { Button } from '../ui/Button.tsx';
import { MenuBox, menuItemClass } from '../ui/ChoiceMenu.tsx';
import { act } from './bridge.ts';
import { showSignIn } from './navigation.ts';
import { useStation } from './station-store.ts';
import { useNow } from './ticker.ts';

/** From here on the end of a sign-in that cannot renew itself is announced. */
const ENDS_SOON_MS = 15 * 60_000;

type SignedIn = Extract<SessionView, { state: 'signed-in' }>;

/** Who is signed in and for how long; the menu signs out. */
export function OperatorMenu() {
  const session = useStation((station) => station.session);
  const shown = useStation((station) => station.revision > 0);
  if (!shown) return null;
  if (session.state === 'signed-in') return <SignedInMenu session={session} />;
  return (
    <span className="flex items-center gap-3">
      <span className="flex items-center gap-2 text-xs text-ink-2">
        <UserRound size={15} strokeWidth={1.7} aria-hidden="true" />
        Not signed in
      </span>
      {session.state === 'signed-out' ? (
        <Button
          size="small"
          onClick={() => {
            showSignIn(true);
            void act('session.signIn');
          }}
        >
          Sign in
        </Button>
      ) : (
        <Button size="small" onClick={() => showSignIn(true)}>
          Show the code
        </Button>
      )}
    </span>
  );
}

/** A renewable sign-in is renewed by its next use, once its provider answers. */
function endedWords(session: SignedIn): string {
  if (!session.renewable) return 'sign-in has ended';
  return session.error === undefined ? 'signed in, renewed when used' : 'signed in, not renewed yet';
}

function SignedInMenu({ session }: { readonly session: SignedIn }) {
  const now = useNow();
  const leftMs = session.expiresAt - now;
  const endsSoon = leftMs < ENDS_SOON_MS && !session.renewable;
  const left = leftMs > 0 ? `signed in, ${formatSpanWords(leftMs)} left` : endedWords(session);
  return (
    <>
      {endsSoon ? (
        <Button
          size="small"
          onClick={() => {
            showSignIn(true);
            void act('session.signIn');
          }}
        >
          Sign in again
        </Button>
      ) : null}
      <Menu.Root>
        <Menu.Trigger className="flex h-7 items-center gap-2 rounded-2 px-2 hover:bg-hover">
          <UserRound size={15} strokeWidth={1.7} aria-hidden="true" />
          <span className="flex items-baseline gap-2.5">
            <span className="max-w-[180px] truncate font-semibold">{session.account}</span>
            <span className={`text-xs ${endsSoon ? 'text-attn-fg' : 'text-ink-2'}`}>{left}</span>
          </span>
          <ChevronDown size={14} strokeWidth={1.7} className="text-ink-3" aria-hidden="true" />
        </Menu.Trigger>
        <MenuBox>
          <div className="max-w-[280px] border-b border-line-1 px-2 pb-2 pt-1 text-xs text-ink-2">
            {session.organisation === undefined ? null : <p>{session.organisation}</p>}
            <p>
              {session.renewable ? 'Renews itself, now until' : 'Lasts until'}{' '}
              {formatHourMinute(session.expiresAt)}
            </p>
            <p>
              {session.remembered === 'keychain' ? 'Remembered: ' : 'Not remembered: '}
              {session.rememberedNote}
            </p>
          </div>
          <Menu.Item className={`${menuItemClass} mt-1`} onClick={() => void act('session.signOut')}>
            <LogOut size={14} strokeWidth={1.7} aria-hidden="true" />
            Sign out
          </Menu.Item>
        </MenuBox>
      </Menu.Root>
    </>
  );
}
