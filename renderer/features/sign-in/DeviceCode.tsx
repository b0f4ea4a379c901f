import { Copy, ExternalLink } from 'lucide-react';
import { useEffect } from 'react';
import type { SessionView } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { formatClockSpan } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { QrCode } from './QrCode.tsx';

type Awaiting = Extract<SessionView, { state: 'awaiting-approval' }>;

/** Width of a character of the monospaced face, in em. */
const MONO_ADVANCE = 0.6;
const LARGEST_CODE_PX = 139;

/** The code, spoken letter by letter, with its time left and the page it is entered on. */
export function DeviceCode({ session }: { readonly session: Awaiting }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      void act('session.cancel');
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <div>
      <h1 className="text-[26px] font-semibold leading-8">Sign in once for this shift</h1>
      <p className="mt-2 text-md leading-6 text-ink-2">
        {session.browserOpened === false
          ? 'The browser could not be opened. Enter this code on any phone or computer.'
          : 'Your browser is open. You can also use any phone or computer: enter this code there.'}
      </p>
      <BigCode code={session.userCode} />
      <Countdown session={session} />
      <div className="mt-[clamp(24px,5vh,48px)] flex gap-8">
        <QrCode
          text={session.verificationUriComplete}
          label={`QR code of ${session.verificationUriComplete}`}
        />
        <Ways session={session} />
      </div>
    </div>
  );
}

function BigCode({ code }: { readonly code: string }) {
  const widest = 100 / (Math.max(code.length, 1) * MONO_ADVANCE);
  return (
    <div className="mt-8 [container-type:inline-size]">
      <p
        role="img"
        aria-label={`Code ${[...code].join(' ')}`}
        data-testid="user-code"
        className="mono selectable whitespace-nowrap font-semibold leading-none text-ink-1"
        style={{ fontSize: `min(${LARGEST_CODE_PX}px, ${widest.toFixed(3)}cqw)` }}
      >
        {[...code].map((letter, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a letter is its place in the code
          <span key={place} className={letter === '-' ? 'text-ink-3' : undefined}>
            {letter}
          </span>
        ))}
      </p>
    </div>
  );
}

function Countdown({ session }: { readonly session: Awaiting }) {
  const now = useNow();
  const whole = Math.max(1, session.expiresAt - session.requestedAt);
  const left = Math.min(whole, Math.max(0, session.expiresAt - now));
  return (
    <div className="mt-[clamp(16px,4vh,36px)]">
      <div className="h-[3px] bg-line-2" aria-hidden="true">
        <div
          className="h-full origin-left bg-accent"
          style={{ width: `${Math.min(100, (100 * left) / whole).toFixed(2)}%` }}
        />
      </div>
      <div className="mt-2.5 flex items-center text-[14px] text-ink-2">
        <StateGlyph shape="ring" size={13} className="mr-2" />
        {left === 0
          ? 'This code has expired, a new one is being fetched'
          : `Waiting for your approval, asking every ${session.intervalSeconds} s`}
        <span className="ml-auto">
          Code valid for <span className="text-md font-semibold text-ink-1">{formatClockSpan(left)}</span>
        </span>
      </div>
    </div>
  );
}

function Ways({ session }: { readonly session: Awaiting }) {
  const profile = useStation((station) => station.profile);
  const station = useStation((state) => state.station.name);
  return (
    <div className="flex min-w-0 flex-1 flex-col">
      <h2 className="mt-2.5 text-[14px] font-normal leading-5 text-ink-2">Page</h2>
      <p className="mono selectable mt-1 break-all text-[17px] leading-6" data-testid="sign-in-page">
        {session.verificationUri.replace(/^https?:\/\//, '')}
      </p>
      <h2 className="mt-3.5 text-[14px] font-normal leading-5 text-ink-2">Signs you in to</h2>
      <p className="mt-1 text-[16px] leading-6">
        {profile?.name ?? 'this fleet'}, as station {station}
      </p>
      <div className="-mr-6 mt-auto flex flex-wrap items-center gap-x-2 gap-y-1 pt-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          icon={<ExternalLink size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void act('session.openBrowser')}
        >
          {session.browserOpened === undefined ? 'Open browser' : 'Open browser again'}
        </Button>
        <Button
          size="large"
          icon={<Copy size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void act('session.copyAddress')}
        >
          Copy address
        </Button>
        <Button kind="quiet" size="large" onClick={() => void act('session.signIn')}>
          New code
        </Button>
        <Button kind="quiet" size="large" shortcut="Esc" onClick={() => void act('session.cancel')}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
