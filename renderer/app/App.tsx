import { BenchScreen } from '../features/bench/BenchScreen.tsx';
import { BoardScreen } from '../features/board/BoardScreen.tsx';
import { SignInToGoOn } from '../features/board/SignInToGoOn.tsx';
import { DeviceDrawer } from '../features/device/DeviceDrawer.tsx';
import { FleetScreen } from '../features/fleet/FleetScreen.tsx';
import { SetUpScreen } from '../features/set-up/SetUpScreen.tsx';
import { SignInScreen } from '../features/sign-in/SignInScreen.tsx';
import { LiveAnnouncer } from './LiveAnnouncer.tsx';
import { NavRail } from './NavRail.tsx';
import { NoticeLines } from './NoticeLines.tsx';
import { useNavigation } from './navigation.ts';
import { RegionBoundary } from './RegionBoundary.tsx';
import { ShortcutOverview } from './ShortcutOverview.tsx';
import { StatusBar } from './StatusBar.tsx';
import { useStation, useStationKnown } from './station-store.ts';
import { TopBar } from './TopBar.tsx';
import { useFlow } from './use-flow.ts';
import { useKeyboard } from './use-keyboard.ts';

/** The station's window: rail, top bar, one screen, status bar. */
export function App() {
  useKeyboard();
  useFlow();
  return (
    <div className="grid h-full grid-cols-[var(--w-rail)_minmax(0,1fr)] grid-rows-[var(--h-head)_minmax(0,1fr)_var(--h-status)]">
      <TopBar />
      <NavRail />
      <main className="flex min-h-0 min-w-0 flex-col bg-table">
        <NoticeLines />
        <div className="min-h-0 flex-1">
          <CurrentScreen />
        </div>
      </main>
      <StatusBar />
      <RegionBoundary region="Device">
        <DeviceDrawer />
      </RegionBoundary>
      <SignInToGoOn />
      <ShortcutOverview />
      <LiveAnnouncer />
    </div>
  );
}

function CurrentScreen() {
  const known = useStationKnown();
  const screen = useNavigation((navigation) => navigation.screen);
  const signInShown = useNavigation((navigation) => navigation.signInShown);
  const signedIn = useStation((station) => station.session.state === 'signed-in');
  if (!known) return <p className="p-6 text-sm text-ink-2">Asking the engine for its state.</p>;
  if (signInShown && !signedIn) {
    return (
      <RegionBoundary region="Sign-in" key="sign-in">
        <SignInScreen />
      </RegionBoundary>
    );
  }
  if (screen === 'bench') {
    return (
      <RegionBoundary region="Bench" key="bench">
        <BenchScreen />
      </RegionBoundary>
    );
  }
  if (screen === 'board') {
    return (
      <RegionBoundary region="Board" key="board">
        <BoardScreen />
      </RegionBoundary>
    );
  }
  if (screen === 'set-up') {
    return (
      <RegionBoundary region="Set-up" key="set-up">
        <SetUpScreen />
      </RegionBoundary>
    );
  }
  return (
    <RegionBoundary region="Fleet" key="fleet">
      <FleetScreen />
    </RegionBoundary>
  );
}
