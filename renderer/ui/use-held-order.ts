import { useEffect, useRef, useState } from 'react';

/** Rows come to rest before the order changes under a pointer that has just left. */
const APPLY_AFTER_MS = 2000;

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
  const changed = shown.scope === scope ? countMoved(shown.order, wanted) : 0;
  const moved = changed > 0;

  // During a batch the wanted order changes many times a second; the timer must not start over each time.
  const latest = useRef(wanted);
  useEffect(() => {
    latest.current = wanted;
  }, [wanted]);
  useEffect(() => {
    if (inUse || !moved) return;
    const timer = setTimeout(() => setShown({ scope, order: latest.current }), APPLY_AFTER_MS);
    return () => clearTimeout(timer);
  }, [inUse, moved, scope]);

  if (shown.scope !== scope) {
    setShown({ scope, order: wanted });
    return { order: wanted, changed: 0, apply: () => {} };
  }
  return { order: shown.order, changed, apply: () => setShown({ scope, order: wanted }) };
}

/** How many keys stand at another place than before, or came, or went. */
export function countMoved(shown: readonly string[], wanted: readonly string[]): number {
  if (shown === wanted) return 0;
  const places = new Map(shown.map((key, place) => [key, place]));
  let moved = Math.max(0, shown.length - wanted.length);
  for (const [place, key] of wanted.entries()) if (places.get(key) !== place) moved += 1;
  return moved;
}
