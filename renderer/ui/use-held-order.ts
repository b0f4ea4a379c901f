import { useEffect, useRef, useState } from 'react';

/** The order stays as it is this long after the pointer has left. */
const HOLD_AFTER_MS = 2000;
/** Nobody is in the table: the order follows, a few times a second. */
const FOLLOW_EVERY_MS = 250;

export interface HeldOrder {
  /** The keys as they are to be shown. */
  readonly order: readonly string[];
  /** How many rows would stand elsewhere; 0 when nothing is held back. */
  readonly changed: number;
  readonly apply: () => void;
}

/**
 * Holds the order of rows while somebody works in the table. A change of `scope` (another filter, another
 * batch) is applied at once: then the operator asked for other rows.
 */
export function useHeldOrder(wanted: readonly string[], scope: string, inUse: boolean): HeldOrder {
  const [shown, setShown] = useState({ scope, order: wanted });
  const held = useHold(inUse);
  const changed = shown.scope === scope ? countMoved(shown.order, wanted) : 0;
  const moved = changed > 0;

  // During a batch the wanted order changes many times a second; the timer must not start over each time.
  const latest = useRef(wanted);
  useEffect(() => {
    latest.current = wanted;
  }, [wanted]);
  useEffect(() => {
    if (held || !moved) return;
    const timer = setTimeout(() => setShown({ scope, order: latest.current }), FOLLOW_EVERY_MS);
    return () => clearTimeout(timer);
  }, [held, moved, scope]);

  if (shown.scope !== scope) {
    setShown({ scope, order: wanted });
    return { order: wanted, changed: 0, apply: () => {} };
  }
  return { order: shown.order, changed: held ? changed : 0, apply: () => setShown({ scope, order: wanted }) };
}

/** True while the table is in use, and for a moment after. */
function useHold(inUse: boolean): boolean {
  const [held, setHeld] = useState(inUse);
  useEffect(() => {
    if (inUse) {
      setHeld(true);
      return;
    }
    const timer = setTimeout(() => setHeld(false), HOLD_AFTER_MS);
    return () => clearTimeout(timer);
  }, [inUse]);
  return held;
}

/** How many keys stand at another place than before, or came, or went. */
export function countMoved(shown: readonly string[], wanted: readonly string[]): number {
  if (shown === wanted) return 0;
  const places = new Map(shown.map((key, place) => [key, place]));
  let moved = Math.max(0, shown.length - wanted.length);
  for (const [place, key] of wanted.entries()) if (places.get(key) !== place) moved += 1;
  return moved;
}
