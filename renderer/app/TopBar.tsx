import { Layers } from 'lucide-react';
import { Lamp } from './Lamp.tsx';
import { LogoMark } from './LogoMark.tsx';
import { OperatorMenu } from './OperatorMenu.tsx';
import { useStation } from './station-store.ts';
import { ThemeMenu } from './ThemeMenu.tsx';

/** Profile, lamps, who is signed in. A red line stands below it while certificates are not checked. */
export function TopBar() {
  const profile = useStation((station) => station.profile);
  const lamps = useStation((station) => station.lamps);
  const insecure = profile?.acceptsInvalidCerts === true;
  return (
    <header
      data-region="top"
      className="relative col-span-2 flex items-stretch border-b border-line-2 bg-frame text-sm"
    >
      <div className="flex w-[var(--w-rail)] shrink-0 items-center justify-center border-r border-line-2">
        <LogoMark />
      </div>
      <div
        className="flex min-w-0 max-w-[280px] items-center gap-2.5 border-r border-line-2 px-3.5"
        title={profile === undefined ? undefined : `Profile ${profile.name}, ${profile.issuer}`}
      >
        <Layers size={16} strokeWidth={1.7} className="shrink-0 text-ink-1" aria-hidden="true" />
        <span className="truncate font-semibold">{profile?.name ?? 'No profile'}</span>
      </div>
      <div className="flex items-center gap-[18px] px-4">
        <Lamp name="Identity" lamp={lamps.identity} />
        <Lamp name="NATS" lamp={lamps.nats} />
        <Lamp name="Keychain" lamp={lamps.keychain} />
        {insecure ? (
          <span className="ml-1 rounded-1 bg-fail-solid px-2 py-0.5 text-xs font-semibold text-on-fail">
            Invalid certificates are accepted
          </span>
        ) : null}
      </div>
      <div className="ml-auto flex items-center gap-1 pr-2">
        <OperatorMenu />
        <ThemeMenu />
      </div>
      {insecure ? (
        <div className="absolute inset-x-0 -bottom-px h-0.5 bg-fail-solid" aria-hidden="true" />
      ) : null}
    </header>
  );
}
