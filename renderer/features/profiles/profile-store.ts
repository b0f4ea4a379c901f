import { create } from 'zustand';
import type { KnownProfile } from '#shared/model/profiles-view.ts';
import { act, call } from '../../app/bridge.ts';
import { reportFailure, type ShownError } from '../../app/failures.ts';
import { goTo, showSignIn } from '../../app/navigation.ts';
import { startFeed } from '../../app/station-store.ts';

interface ProfileStore {
  readonly profiles: readonly KnownProfile[];
  /** Id of the one that is being opened. */
  readonly opening: string | undefined;
}

export const useProfiles = create<ProfileStore>(() => ({ profiles: [], opening: undefined }));

/** Looks at every known profile anew. */
export async function refreshProfiles(): Promise<void> {
  const answer = await call('profile.list');
  if (answer.ok) useProfiles.setState(answer.value);
  else reportFailure(answer.error);
}

/** Goes on with a profile of the list. Gives why not, and then nothing has changed. */
export async function openProfile(id: string): Promise<ShownError | undefined> {
  useProfiles.setState({ opening: id });
  const answer = await call('profile.open', { id });
  useProfiles.setState({ opening: undefined });
  if (!answer.ok) {
    void refreshProfiles();
    return answer.error;
  }
  showOpened();
  return undefined;
}

/** Asks for a profile's file and goes on with it. Gives whether another profile is open now. */
export async function openProfileFile(): Promise<boolean> {
  const answer = await call('profile.openFile');
  if (!answer.ok) reportFailure(answer.error);
  const opened = answer.ok && answer.value.opened;
  if (opened) showOpened();
  return opened;
}

/** Takes a profile off the list. */
export async function forgetProfile(id: string): Promise<void> {
  const answer = await call('profile.forget', { id });
  if (answer.ok) useProfiles.setState(answer.value);
  else reportFailure(answer.error);
}

/** Goes on with the profile the set-up has written. Gives whether it is open. */
export async function openSetUpProfile(): Promise<boolean> {
  const opened = await act('setup.openProfile');
  if (opened) showOpened();
  return opened;
}

/** Another engine answers now: its state is taken up, and whoever it knows not signs in first. */
function showOpened(): void {
  startFeed();
  goTo('bench');
  showSignIn(true);
}
