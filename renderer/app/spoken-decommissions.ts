import type { DecommissionView } from '#shared/model/station-state.ts';

type Views = Readonly<Record<string, DecommissionView>> | undefined;

/** Which decommissions began or ended between two looks, for those who do not see the screen. Empty when none did. */
export function spokenDecommissions(before: Views, after: Views): string {
  if (before === after || after === undefined) return '';
  return Object.values(after)
    .filter((view) => before?.[view.deviceId]?.state !== view.state)
    .map(sentence)
    .join(' ');
}

function sentence({ deviceId, state, findings, error }: DecommissionView): string {
  if (state === 'running') return `${deviceId} is being decommissioned.`;
  if (state === 'done') return `${deviceId} is out of the fleet.`;
  const says = error?.says ?? findings.find((finding) => finding.state === 'failed')?.text ?? '';
  return `The decommission of ${deviceId} is not complete. ${says}`.trim();
}
