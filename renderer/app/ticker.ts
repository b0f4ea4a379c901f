import { useSyncExternalStore } from 'react';

/** Durations of running steps are painted twice a second, all else once; one timer serves them. */
const BEAT_MS = 500;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function beat(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time now, milliseconds since 1970, changing every `stepMs` (500 or 1000). */
export function useNow(stepMs: 500 | 1000 = 1000): number {
  return useSyncExternalStore(subscribe, () => Math.floor(now / stepMs) * stepMs);
}
