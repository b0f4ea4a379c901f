/** A line of an OpenSSH client configuration: its keyword in small letters, and its arguments. */
export interface Directive {
  readonly kind: 'directive';
  readonly keyword: string;
  readonly args: readonly string[];
  readonly line: number;
}

/** `Include`: files whose content stands in its place, within the block it is in. */
export interface Include {
  readonly kind: 'include';
  readonly patterns: readonly string[];
  readonly line: number;
}

/** Lines that count under one condition: those before the first `Host` or `Match`, or behind one. */
export interface Block {
  readonly condition:
    | { readonly kind: 'always' }
    | { readonly kind: 'host'; readonly patterns: readonly string[] }
    | { readonly kind: 'match'; readonly words: readonly string[] };
  readonly line: number;
  readonly entries: readonly (Directive | Include)[];
}

/** A line that is not of the format; the message says why, as the rest of a sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the text of an OpenSSH client configuration (ssh_config(5)) into blocks, in their order. Pure: files that are
 * included are named, not read; nothing is judged but the format.
 * @throws {ConfigError}
 */
export function parseConfig(text: string): readonly Block[] {
  let block: { condition: Block['condition']; line: number; entries: (Directive | Include)[] } = {
    condition: { kind: 'always' },
    line: 0,
    entries: [],
  };
  const blocks = [block];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const [first, ...args] = wordsOf(content, line);
    if (first === undefined) continue;
    const keyword = first.toLowerCase();
    if (args.length === 0) throw new ConfigError(`line ${line}: ${first} has no value`);
    if (keyword === 'host') {
      block = { condition: { kind: 'host', patterns: args }, line, entries: [] };
      blocks.push(block);
    } else if (keyword === 'match') {
      block = { condition: { kind: 'match', words: args }, line, entries: [] };
      blocks.push(block);
    } else if (keyword === 'include') block.entries.push({ kind: 'include', patterns: args, line });
    else block.entries.push({ kind: 'directive', keyword, args, line });
  }
  return blocks;
}

/**
 * Words of a line: `Keyword value`, `Keyword=value` or `Keyword = value`; double quotes hold blanks together, and a
 * word that begins with # begins a comment.
 */
function wordsOf(line: string, number: number): string[] {
  const words: string[] = [];
  let rest = line.trim();
  while (rest !== '' && !rest.startsWith('#')) {
    // The keyword ends at the first = or blank; values may contain =.
    const [whole = '', quoted, bare = ''] =
      (words.length === 0 ? /^"([^"]*)"|^([^\s="]+)/ : /^"([^"]*)"|^((?:[^\s"\\]|\\.)+)/).exec(rest) ?? [];
    if (whole === '') throw new ConfigError(`line ${number}: cannot be read`);
    words.push(quoted ?? bare);
    rest = rest.slice(whole.length);
    rest = words.length === 1 ? rest.replace(/^\s*=?\s*/, '') : rest.trimStart();
  }
  return words;
}
