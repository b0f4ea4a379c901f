/**
 * Does some work for each of several things, a number of them at a time, begun in their order.
 * @returns a promise for each, in the same order: what is done can be told before all is
 */
export function sideBySide<T, R>(
  things: readonly T[],
  atOnce: number,
  work: (thing: T) => Promise<R>,
): readonly Promise<R>[] {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  const place = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return things.map(async (thing) => {
    await place();
    try {
      return await work(thing);
    } finally {
      leave();
    }
  });
}
