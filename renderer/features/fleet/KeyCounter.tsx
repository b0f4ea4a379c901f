import { act } from '../../app/bridge.ts';
import { useStation } from '../../app/station-store.ts';
import { formatCount } from '../../lib/format.ts';
import { ReasonedButton } from '../../ui/Button.tsx';
import { Counter } from '../../ui/Counter.tsx';

/** Most ids one request may hold. */
const AT_ONCE = 2000;

/** How many keys need somebody, of how many that are known; and the way to know the rest. */
export function KeyCounter({
  needCare,
  deviceIds,
}: {
  readonly needCare: number;
  /** Of the fleet, without those that have left. */
  readonly deviceIds: readonly string[];
}) {
  const keys = useStation((station) => station.keys);
  const lookUp = useStation((station) => station.keyLookUp);
  const signedIn = useStation((station) => station.session.state === 'signed-in');
  const unknown = deviceIds.filter((deviceId) => keys?.[deviceId] === undefined);
  const known = deviceIds.length - unknown.length;
  const runs = lookUp?.state === 'running';
  const asked = unknown.length > 0 ? unknown : deviceIds;
  const reason = signedIn ? (runs ? 'The provider is being asked.' : '') : 'Nobody is signed in.';
  const failed = lookUp?.state === 'failed' ? lookUp.error : undefined;
  const note = runs
    ? `asking, ${formatCount(lookUp.done)} of ${formatCount(lookUp.total)}`
    : failed !== undefined
      ? failed.title
      : known === 0
        ? 'none known yet'
        : `of ${formatCount(known)} known`;
  return (
    <div className="flex">
      <Counter
        shape="clock"
        word="Keys to renew"
        figure={known === 0 ? '–' : needCare}
        tone={needCare > 0 ? 'text-attn-fg' : 'text-ink-1'}
        note={
          <span
            className={`block w-[108px] truncate ${failed === undefined || runs ? '' : 'text-fail-fg'}`}
            title={failed?.says}
          >
            {note}
          </span>
        }
        boxed
      />
      <div className="flex flex-col justify-center pr-[18px]">
        <ReasonedButton
          size="small"
          reason={reason}
          title="Asks the identity provider for the key of every device that is not known yet: a few requests for each"
          onClick={() => {
            for (let from = 0; from < asked.length; from += AT_ONCE)
              void act('fleet.lookUpKeys', { deviceIds: asked.slice(from, from + AT_ONCE) });
          }}
        >
          {unknown.length === 0 && known > 0 ? 'Look up again' : 'Look up keys'}
        </ReasonedButton>
      </div>
    </div>
  );
}
