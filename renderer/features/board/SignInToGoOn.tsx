import { LogIn } from 'lucide-react';
import { useEffect } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { goTo, useNavigation } from '../../app/navigation.ts';
import { stationNow, stationStore, useStation } from '../../app/station-store.ts';
import { countOf } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { DialogBox } from '../../ui/DialogBox.tsx';
import { retryDevices, signInToGoOn } from './board-actions.ts';
import { type SignedOutBatch, signedOutBatch, stoppedBySignOut, useGoingOn } from './signed-out-batch.ts';

/** One question for the whole batch when its sign-in has ended, however many devices it stops. */
export function SignInToGoOn() {
  const lost = stationStore(useShallow(({ station }) => signedOutBatch(station)));
  const batchId = useStation((station) => station.batch?.batchId);
  const says = useStation(({ session }) =>
    session.state === 'signed-out' ? session.error?.says : undefined,
  );
  const signedIn = useStation((station) => station.session.state === 'signed-in');
  const signInShown = useNavigation((navigation) => navigation.signInShown);
  const { putOff, wanted } = useGoingOn();

  useEffect(() => {
    if (!signedIn) return;
    useGoingOn.setState({ putOff: undefined, wanted: false });
    if (!wanted) return;
    goTo('board');
    const stopped = Object.values(stationNow().rows).filter(stoppedBySignOut);
    if (stopped.length > 0) void retryDevices(stopped.map((row) => row.deviceId));
  }, [signedIn, wanted]);

  const later = () => useGoingOn.setState({ putOff: batchId });
  return (
    <DialogBox
      open={lost !== undefined && !signInShown && putOff !== batchId}
      onClose={later}
      title="Sign in to go on"
    >
      {lost === undefined ? null : (
        <p role="alert" className="text-sm leading-[19px] text-ink-2">
          {`${says ?? 'Nobody is signed in any more.'} ${waitWords(lost)}`}
        </p>
      )}
      <div className="mt-5 flex justify-end gap-2">
        <Button kind="quiet" onClick={later}>
          Not now
        </Button>
        <Button
          kind="primary"
          data-primary
          icon={<LogIn size={14} strokeWidth={1.75} aria-hidden="true" />}
          onClick={signInToGoOn}
        >
          Sign in and go on
        </Button>
      </div>
    </DialogBox>
  );
}

/** Who is held up, and that one sign-in is enough. */
function waitWords({ name, stopped, awaiting, open }: SignedOutBatch): string {
  const parts: string[] = [];
  if (awaiting > 0) parts.push(`${countOf(awaiting, 'device')} ${awaiting === 1 ? 'waits' : 'wait'} for it`);
  if (stopped > 0) parts.push(`${countOf(stopped, 'device')} stopped for it`);
  if (open > 0) parts.push(`${countOf(open, 'device')} ${open === 1 ? 'is' : 'are'} not done yet`);
  const last = parts.pop() ?? '';
  const list = parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
  return `Of batch ${name}, ${list}. One sign-in serves all of them: they go on where they were. What is enrolled stays enrolled.`;
}
