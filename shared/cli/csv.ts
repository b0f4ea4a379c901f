/** A row of a CSV file. `line` is where it begins, 1-based: what an editor shows. */
export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

export type CsvResult =
  | { readonly ok: true; readonly rows: readonly CsvRow[] }
  | { readonly ok: false; readonly line: number; readonly says: string };

const separators = [',', ';', '\t'] as const;

/**
 * Reads CSV as people and Excel write it (RFC 4180 and around it): quotes with doubled quotes and line breaks inside,
 * CRLF or LF, comma, semicolon or tab, and the line `sep=;` that names one. Empty lines are left out.
 */
export function parseCsv(text: string): CsvResult {
  const named = /^sep=(.)\r?\n/i.exec(text);
  const body = named === null ? text : text.slice(named[0].length);
  const separator = named?.[1] ?? likelySeparator(body);
  const rows: CsvRow[] = [];
  let line = named === null ? 1 : 2;
  let row = { line, fields: [] as string[] };
  let field = '';
  let quotedFrom: number | undefined;
  let wasQuoted = false;
  const endField = (): void => {
    row.fields.push(wasQuoted ? field : field.trim());
    field = '';
    wasQuoted = false;
  };
  const endRow = (): void => {
    endField();
    if (row.fields.some((value) => value !== '')) rows.push(row);
    row = { line, fields: [] };
  };
  for (let index = 0; index < body.length; index += 1) {
    const character = body.charAt(index);
    if (quotedFrom !== undefined) {
      if (character === '"' && body.charAt(index + 1) === '"') {
        field += '"';
        index += 1;
      } else if (character === '"') quotedFrom = undefined;
      else {
        if (character === '\n') line += 1;
        field += character;
      }
    } else if (character === '"' && field.trim() === '' && !wasQuoted) {
      field = '';
      wasQuoted = true;
      quotedFrom = line;
    } else if (character === separator) endField();
    else if (character === '\n') {
      line += 1;
      endRow();
    } else if (wasQuoted && character.trim() !== '')
      return { ok: false, line, says: `text follows the closing quote: "${character}"` };
    else if (character !== '\r' || body.charAt(index + 1) !== '\n') {
      if (!wasQuoted) field += character;
    }
  }
  if (quotedFrom !== undefined)
    return { ok: false, line: quotedFrom, says: 'a quote is opened and never closed' };
  endRow();
  return { ok: true, rows };
}

/** The separator that is in the first line most often, outside of quotes. */
function likelySeparator(text: string): string {
  const head = text
    .trimStart()
    .slice(0, 65_536)
    .replace(/"(?:[^"]|"")*"/g, '');
  const first = /^[^\n]*/.exec(head)?.[0] ?? '';
  const counts = separators.map((separator) => ({ separator, count: first.split(separator).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).separator;
}
