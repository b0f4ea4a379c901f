import { Activity, CircleHelp, Sheet, SlidersHorizontal, Unplug } from 'lucide-react';
import { goTo, type Screen, screenKeys, screens, showShortcuts, useNavigation } from './navigation.ts';
import { useStation } from './station-store.ts';

const items = {
  bench: { word: 'Bench', Icon: Unplug },
  board: { word: 'Board', Icon: Sheet },
  fleet: { word: 'Fleet', Icon: Activity },
  'set-up': { word: 'Set-up', Icon: SlidersHorizontal },
} as const satisfies Record<Screen, unknown>;

/** The screens, left of everything. A red count stands only for what needs a person. */
export function NavRail() {
  const current = useNavigation((navigation) => navigation.screen);
  const failed = useStation(
    (station) => Object.values(station.rows).filter((row) => row.state === 'failed').length,
  );
  return (
    <nav
      data-region="rail"
      aria-label="Screens"
      className="row-span-1 flex flex-col gap-0 border-r border-line-2 bg-frame pt-1.5"
    >
      {screens.map((screen) => {
        const { word, Icon } = items[screen];
        const active = screen === current;
        return (
          <button
            key={screen}
            type="button"
            aria-current={active ? 'page' : undefined}
            title={`${word}, Ctrl ${screenKeys[screen]}`}
            onClick={() => goTo(screen)}
            className={`caption group relative flex h-14 flex-col items-center justify-center gap-1.5 text-2xs ${active ? 'font-medium text-ink-1' : 'text-ink-3 hover:text-ink-1'}`}
          >
            {active ? (
              <span className="absolute inset-y-2.5 left-0 w-0.5 bg-accent" aria-hidden="true" />
            ) : null}
            <Icon size={19} strokeWidth={1.6} className={active ? 'text-accent' : ''} aria-hidden="true" />
            {word}
            {screen === 'board' && failed > 0 ? (
              <span className="absolute left-[35px] top-[7px] min-w-4 rounded-1 bg-fail-solid px-1 text-center text-2xs font-semibold leading-[15px] text-on-fail">
                {failed}
                <span className="visually-hidden"> failed</span>
              </span>
            ) : null}
          </button>
        );
      })}
      <button
        type="button"
        title="Shortcuts, ?"
        onClick={() => showShortcuts(true)}
        className="caption mt-auto flex h-14 flex-col items-center justify-center gap-1.5 text-2xs text-ink-3 hover:text-ink-1"
      >
        <CircleHelp size={19} strokeWidth={1.6} aria-hidden="true" />
        Keys
      </button>
    </nav>
  );
}
