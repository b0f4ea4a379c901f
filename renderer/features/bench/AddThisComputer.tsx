import { Monitor } from 'lucide-react';
import { formatTarget } from '#shared/model/target.ts';
import { call } from '../../app/bridge.ts';
import { reportFailure } from '../../app/failures.ts';
import { useStation } from '../../app/station-store.ts';
import { Button } from '../../ui/Button.tsx';
import { setBenchView } from './bench-view.ts';

const thisComputer = formatTarget({ kind: 'local' });

/** Puts the computer the station runs on onto the bench, and the cursor into its id. Absent where that cannot be. */
export function AddThisComputer() {
  const possible = useStation((station) => station.station.reachesThisComputer);
  const isThere = useStation((station) => station.bench.some((device) => device.target === thisComputer));
  if (!possible || isThere) return null;
  return (
    <Button
      icon={<Monitor size={14} strokeWidth={1.75} aria-hidden="true" />}
      title="Enroll the computer this station runs on, without SSH"
      onClick={() => void add()}
    >
      Add this computer
    </Button>
  );
}

async function add(): Promise<void> {
  const answer = await call('bench.add', { deviceId: '', target: thisComputer });
  if (!answer.ok) return reportFailure(answer.error);
  setBenchView({ selected: answer.value.rowId, editing: answer.value.rowId, filter: 'all', query: '' });
}
