import { Popover } from '@base-ui/react/popover';
import { ChevronDown, FolderOpen, Import, Layers, SlidersHorizontal } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { goTo } from '../../app/navigation.ts';
import { useStation } from '../../app/station-store.ts';
import { belowHead } from '../../ui/below-head.ts';
import { setSetUp } from '../set-up/set-up-store.ts';
import { ProfileList, useBatchRuns } from './ProfileList.tsx';
import { openProfileFile, refreshProfiles } from './profile-store.ts';

/** The open profile; behind it every other one this station knows, and the ways to a new one. */
export function ProfileSwitcher() {
  const profile = useStation((station) => station.profile);
  const batchRuns = useBatchRuns();
  const [shown, setShown] = useState(false);
  const show = (next: boolean) => {
    setShown(next);
    if (next) void refreshProfiles();
  };
  const leadTo = (way: 'import' | 'provider') => {
    setShown(false);
    setSetUp({ way });
    goTo('set-up');
  };
  return (
    <Popover.Root open={shown} onOpenChange={show}>
      <Popover.Trigger
        aria-label={`Profile ${profile?.name ?? 'none'}, switch`}
        title={profile === undefined ? undefined : `Profile ${profile.name}, ${profile.issuer}`}
        className="flex min-w-0 max-w-[280px] items-center gap-2.5 border-r border-line-2 px-3.5 hover:bg-hover"
      >
        <Layers size={16} strokeWidth={1.7} className="shrink-0 text-ink-1" aria-hidden="true" />
        <span className="truncate font-semibold">{profile?.name ?? 'No profile'}</span>
        <ChevronDown size={14} strokeWidth={1.7} className="shrink-0 text-ink-3" aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={belowHead} align="start" className="z-50">
          <Popover.Popup className="overlay forced-edge w-[400px] rounded-3 border border-line-2 bg-raised shadow-[0_8px_24px_rgb(0_0_0/.28)] outline-none">
            <Popover.Title className="px-4 pb-1 pt-3 text-xs font-normal text-ink-2">
              {batchRuns
                ? 'A batch is running. Another profile can be opened when it has ended.'
                : 'Profiles'}
            </Popover.Title>
            <div className="scroll max-h-[50vh] px-2 pb-2">
              <ProfileList onOpened={() => setShown(false)} />
            </div>
            <div className="border-t border-line-2 p-2">
              <Way
                icon={<FolderOpen size={14} strokeWidth={1.7} aria-hidden="true" />}
                disabled={batchRuns}
                onClick={() => void openProfileFile().then((opened) => setShown(!opened))}
              >
                Open a profile’s file…
              </Way>
              <Way
                icon={<Import size={14} strokeWidth={1.7} aria-hidden="true" />}
                onClick={() => leadTo('import')}
              >
                Import a client config
              </Way>
              <Way
                icon={<SlidersHorizontal size={14} strokeWidth={1.7} aria-hidden="true" />}
                onClick={() => leadTo('provider')}
              >
                Set up an identity provider
              </Way>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Way({
  icon,
  disabled = false,
  onClick,
  children,
}: {
  readonly icon: ReactNode;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: string;
}) {
  return (
    <button
      type="button"
      disabled={disabled}
      onClick={onClick}
      className="flex h-7 w-full items-center gap-2.5 rounded-2 px-2 text-left text-sm text-ink-1 hover:bg-hover disabled:text-ink-3"
    >
      {icon}
      {children}
    </button>
  );
}
