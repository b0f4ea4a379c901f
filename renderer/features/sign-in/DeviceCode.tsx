import { Copy, ExternalLink, RotateCw } from 'lucide-react';
import type { SessionView } from '#shared/model/station-state.ts';
import { act } from '../../app/bridge.ts';
import { goTo } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { useNow } from '../../app/ticker.ts';
import { useCancelByEscape } from '../../app/use-cancel-by-escape.ts';
import { formatClockSpan } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { fetchNewCode } from './new-code.ts';
import { QrCode } from './QrCode.tsx';

type Awaiting = Extract<SessionView, { state: 'awaiting-approval' }>;

/** Width of a character of the monospaced face, in em. */
const MONO_ADVANCE = 0.6;
const LARGEST_CODE_PX = 139;
const LAST_MINUTE_MS = 60_000;

/** What this screen is for, and where the operator stands. */
export function SignInHead({
  title = 'Sign in once for this shift',
  says,
  attention = false,
}: {
  readonly title?: string;
  readonly says: string;
  readonly attention?: boolean;
}) {
  return (
    <>
      <h1 className="text-[26px] font-semibold leading-8">{title}</h1>
      <p className={`mt-2 text-md leading-6 ${attention ? 'text-ink-1' : 'text-ink-2'}`}>
        {attention ? <StateGlyph shape="triangle" size={14} className="mr-2 inline-block" /> : null}
        {says}
      </p>
    </>
  );
}

/** The code, spoken letter by letter, with its time left and the page it is entered on. */
export function DeviceCode({ session }: { readonly session: Awaiting }) {
  const now = useNow();
  useCancelByEscape();
  // The provider says so a moment later, or never while it does not answer. A code that is over is not offered on.
  if (now >= session.expiresAt) return <ExpiredCode code={session.userCode} />;
  return (
    <div>
      <SignInHead says={browserWords(session.browserOpened)} attention={session.browserOpened === false} />
      <BigCode code={session.userCode} />
      <Countdown session={session} now={now} />
      {session.notShared === undefined ? null : (
        <p className="mt-2 text-sm leading-[19px] text-ink-2">{session.notShared}</p>
      )}
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

function browserWords(opened: boolean | undefined): string {
  if (opened === undefined) return 'Your browser is being opened. Any phone or computer will do as well.';
  return opened
    ? 'Your browser is open. You can also use any phone or computer: enter this code there.'
    : 'The browser did not open. Use any phone or computer: open the page, enter this code.';
}

/** A code that nobody approved in time; a new one is one press away, at the same place. */
export function ExpiredCode({ code }: { readonly code: string }) {
  return (
    <div>
      <SignInHead says="Nobody approved the code in time. Nothing was changed." />
      <BigCode code={code} struck />
      <div className="mt-[clamp(16px,4vh,36px)]">
        <div className="h-[3px] bg-line-2" aria-hidden="true" />
        <p className="mt-2.5 flex items-center text-[14px] text-ink-2">
          <StateGlyph shape="clock" size={13} className="mr-2" />
          This code has expired. Do not enter it any more.
        </p>
      </div>
      <div className="mt-[clamp(24px,5vh,48px)] flex min-h-[186px] items-start gap-3">
        <Button
          kind="primary"
          size="large"
          data-primary
          icon={<RotateCw size={16} strokeWidth={1.75} aria-hidden="true" />}
          onClick={() => void fetchNewCode()}
        >
          Get a new code
        </Button>
        <Button kind="quiet" size="large" onClick={() => goTo('bench')}>
          Prepare the bench first
        </Button>
      </div>
    </div>
  );
}

/** As wide as its place allows. A struck one is over. */
export function BigCode({ code, struck = false }: { readonly code: string; readonly struck?: boolean }) {
  const widest = 100 / (Math.max(code.length, 1) * MONO_ADVANCE);
  return (
    <div className="mt-8 [container-type:inline-size]">
      <p
        role="img"
        aria-label={`${struck ? 'Expired code' : 'Code'} ${[...code].join(' ')}`}
        data-testid="user-code"
        className={`mono relative w-fit whitespace-nowrap font-semibold leading-none ${struck ? 'text-ink-3' : 'selectable text-ink-1'}`}
        style={{ fontSize: `min(${LARGEST_CODE_PX}px, ${widest.toFixed(3)}cqw)` }}
      >
        {[...code].map((letter, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a letter is its place in the code
          <span key={place} className={letter === '-' ? 'text-ink-3' : undefined}>
            {letter}
          </span>
        ))}
        {struck ? <span className="absolute inset-x-0 top-1/2 h-1.5 bg-ink-2" aria-hidden="true" /> : null}
      </p>
    </div>
  );
}

function Countdown({ session, now }: { readonly session: Awaiting; readonly now: number }) {
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
        {`Waiting for your approval, asking every ${session.intervalSeconds} s`}
        <span className="ml-auto">
          Code valid for{' '}
          <span className="inline-block min-w-[4ch] text-right text-md font-semibold text-ink-1">
            {formatClockSpan(left)}
          </span>
        </span>
      </div>
      <p className="visually-hidden" role="status">
        {left <= LAST_MINUTE_MS ? 'The code is valid for less than a minute.' : ''}
      </p>
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
        <span className="flex gap-2">
          <Button kind="quiet" size="large" onClick={() => void fetchNewCode()}>
            New code
          </Button>
          <Button kind="quiet" size="large" shortcut="Esc" onClick={() => void act('session.cancel')}>
            Cancel
          </Button>
        </span>
      </div>
    </div>
  );
}
