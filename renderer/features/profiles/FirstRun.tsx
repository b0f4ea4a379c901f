import { useEffect } from 'react';
import { goTo } from '../../app/navigation.ts';
import { Button } from '../../ui/Button.tsx';
import { setSetUp } from '../set-up/set-up-store.ts';
import { ProfileList } from './ProfileList.tsx';
import { openProfileFile, refreshProfiles, useProfiles } from './profile-store.ts';

/** The profiles this station knows, where the one it should have opened is not to be had. */
export function OtherProfiles() {
  const known = useProfiles((store) => store.profiles.length > 0);
  useEffect(() => void refreshProfiles(), []);
  if (!known) return null;
  return (
    <section aria-label="Known profiles" className="mt-6 border-t border-line-2 pt-4">
      <h2 className="mb-1.5 text-sm font-medium">Profiles of this station</h2>
      <div className="-mx-2">
        <ProfileList />
      </div>
    </section>
  );
}

/** The ways to a profile, where there is none yet. */
export function WaysToProfile() {
  const leadTo = (way: 'import' | 'provider') => {
    setSetUp({ way });
    goTo('set-up');
  };
  return (
    <>
      <Button kind="primary" size="large" data-primary onClick={() => leadTo('provider')}>
        Set up the identity provider
      </Button>
      <Button size="large" onClick={() => leadTo('import')}>
        Import a client config
      </Button>
      <Button size="large" onClick={() => void openProfileFile()}>
        Open a profile’s file…
      </Button>
    </>
  );
}
