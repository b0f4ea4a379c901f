import { ShieldOff } from 'lucide-react';
import { useLayoutEffect } from 'react';
import { ProfileSwitcher } from '../features/profiles/ProfileSwitcher.tsx';
import { hostOf } from '../lib/host-of.ts';
import { Lamp } from './Lamp.tsx';
import { LogoMark } from './LogoMark.tsx';
import { OperatorMenu } from './OperatorMenu.tsx';
import { useStation } from './station-store.ts';
import { ThemeMenu } from './ThemeMenu.tsx';

/** Profile, lamps, who is signed in. A red line stands below them while certificates are not checked. */
export function TopBar() {
  const profile = useStation((station) => station.profile);
  const lamps = useStation((station) => station.lamps);
  return (
    <header data-region="top" className="col-span-2 bg-frame text-sm">
      <div className="flex h-[var(--h-topbar)] items-stretch border-b border-line-2">
        <div className="flex w-[var(--w-rail)] shrink-0 items-center justify-center border-r border-line-2">
          <LogoMark />
        </div>
        <ProfileSwitcher />
        <div className="flex items-center gap-[18px] px-4">
          <Lamp name="Identity" lamp={lamps.identity} />
          <Lamp name="NATS" lamp={lamps.nats} />
          <Lamp name="Keychain" lamp={lamps.keychain} />
        </div>
        <div className="ml-auto flex min-w-0 items-center gap-1 pr-2">
          <OperatorMenu />
          <ThemeMenu />
        </div>
      </div>
      {profile?.acceptsInvalidCerts ? <UncheckedLine issuer={profile.issuer} /> : null}
    </header>
  );
}

/**
 * Cannot be dismissed and is covered by nothing, a dialog's scrim included: what is typed there may go to a stranger.
 */
function UncheckedLine({ issuer }: { readonly issuer: string }) {
  // What is fixed below the head of the window has to know how high it is.
  useLayoutEffect(() => {
    document.documentElement.dataset.unchecked = '';
    return () => {
      delete document.documentElement.dataset.unchecked;
    };
  }, []);
  return (
    <p
      role="note"
      aria-label="Certificates are not checked"
      className="forced-edge relative z-50 flex h-[var(--h-unchecked)] items-center gap-2 bg-fail-solid px-4 text-xs text-on-fail"
    >
      <ShieldOff size={14} strokeWidth={1.9} className="shrink-0" aria-hidden="true" />
      <span className="selectable min-w-0 truncate" title={uncheckedWords(issuer)}>
        <strong className="font-semibold">{`Certificates of ${hostOf(issuer)} are not checked.`}</strong>{' '}
        {uncheckedMeans}
      </span>
    </p>
  );
}

const uncheckedMeans =
  'Whoever stands in between can take the sign-in. The profile asks for it, here and on its devices.';

function uncheckedWords(issuer: string): string {
  return `Certificates of ${hostOf(issuer)} are not checked. ${uncheckedMeans}`;
}
