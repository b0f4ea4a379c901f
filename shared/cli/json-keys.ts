/** A key that an object of a JSON text has twice: `JSON.parse` keeps the last one and says nothing. */
export interface DoubledKey {
  /** Keys and indexes on the way to it, itself the last. */
  readonly path: readonly (string | number)[];
  /** Line of the second one, 1-based. */
  readonly line: number;
}

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:\n]/g;

interface Level {
  /** The keys of an object so far; undefined for a list. */
  readonly keys: Set<string> | undefined;
  at: string | number;
  isKeyNext: boolean;
}

/** Keys that are there twice in the same object. @param text valid JSON */
export function doubledKeys(text: string): DoubledKey[] {
  const found: DoubledKey[] = [];
  const levels: Level[] = [];
  let line = 1;
  for (const [token] of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === '\n') line += 1;
    else if (token === '{') levels.push({ keys: new Set(), at: '', isKeyNext: true });
    else if (token === '[') levels.push({ keys: undefined, at: 0, isKeyNext: false });
    else if (token === '}' || token === ']') levels.pop();
    else if (level === undefined) continue;
    else if (token === ',') {
      if (level.keys !== undefined) level.isKeyNext = true;
      else level.at = Number(level.at) + 1;
    } else if (token !== ':' && level.keys !== undefined && level.isKeyNext) {
      const key = JSON.parse(token) as string;
      level.at = key;
      level.isKeyNext = false;
      if (level.keys.has(key)) found.push({ path: levels.map(({ at }) => at), line });
      level.keys.add(key);
    }
  }
  return found;
}
