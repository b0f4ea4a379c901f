import { X } from 'lucide-react';
import type { KnownProfile } from '#shared/model/profiles-view.ts';
import { reportFailure } from '../../app/failures.ts';
import { useStation } from '../../app/station-store.ts';
import { hostOf } from '../../lib/host-of.ts';
import { IconButton } from '../../ui/Button.tsx';
import { StateGlyph } from '../../ui/StateGlyph.tsx';
import { forgetProfile, openProfile, useProfiles } from './profile-store.ts';

/** Whether a batch is running, under which no other profile is opened. */
export function useBatchRuns(): boolean {
  return useStation(({ batch }) => batch !== undefined && batch.state !== 'finished');
}

/** Every profile this station knows, to be opened. One that cannot be says why; the others are not touched by it. */
export function ProfileList({ onOpened }: { readonly onOpened?: () => void }) {
  const profiles = useProfiles((store) => store.profiles);
  return (
    <ul aria-label="Profiles" className="flex flex-col">
      {profiles.map((profile) => (
        <Entry key={profile.id} profile={profile} onOpened={onOpened} />
      ))}
    </ul>
  );
}

function Entry({
  profile,
  onOpened,
}: {
  readonly profile: KnownProfile;
  readonly onOpened: (() => void) | undefined;
}) {
  const batchRuns = useBatchRuns();
  const opening = useProfiles((store) => store.opening);
  const { id, name, path, error } = profile;
  const isOpen = profile.open && error === undefined;
  const open = async () => {
    const refused = await openProfile(id);
    if (refused === undefined) onOpened?.();
    else reportFailure(refused);
  };
  return (
    <li className="flex items-start gap-1 rounded-2 pr-1 hover:bg-hover">
      <button
        type="button"
        aria-current={isOpen ? 'true' : undefined}
        aria-describedby={error === undefined ? undefined : `profile-${id}`}
        disabled={isOpen || batchRuns || opening !== undefined}
        onClick={() => void open()}
        className="flex min-w-0 flex-1 items-start gap-2.5 rounded-2 px-2 py-1.5 text-left"
      >
        <StateGlyph
          shape={error === undefined ? (isOpen ? 'tick' : 'circle') : 'octagon'}
          className="mt-[3px]"
        />
        <span className="min-w-0 flex-1">
          <span className="flex items-baseline gap-2.5 text-sm leading-[18px]">
            <span className="min-w-0 truncate font-semibold text-ink-1">{name}</span>
            <span className="shrink-0 text-xs text-ink-2">{stateWord(profile, opening)}</span>
          </span>
          <span className="mono block truncate text-xs leading-[17px] text-ink-2" title={path}>
            {profile.issuer === undefined ? path : hostOf(profile.issuer)}
          </span>
          {error === undefined ? null : (
            <span
              id={`profile-${id}`}
              className="mt-0.5 block text-xs leading-[17px] text-fail-fg [overflow-wrap:anywhere]"
            >
              {`${error.says} ${error.operatorDoes}`}
            </span>
          )}
        </span>
      </button>
      {profile.kept && !profile.open ? (
        <IconButton
          label={`Take ${name} off the list`}
          className="mt-1 !size-6"
          icon={<X size={14} strokeWidth={1.7} aria-hidden="true" />}
          onClick={() => void forgetProfile(id)}
        />
      ) : null}
    </li>
  );
}

function stateWord({ id, open, error }: KnownProfile, opening: string | undefined): string {
  if (opening === id) return 'opening';
  if (error !== undefined) return 'cannot be opened';
  return open ? 'open' : '';
}
