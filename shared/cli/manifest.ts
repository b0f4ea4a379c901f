import { z } from 'zod';
import { checkBench } from '../engine/bench.ts';
import { toErrorView } from '../errors/enrollment-error.ts';
import { printable } from '../model/printable.ts';
import type { BenchEntry } from '../model/profile.ts';
import { type CsvRow, parseCsv } from './csv.ts';
import { doubledKeys } from './json-keys.ts';
import { type LabelsResult, parseLabels, readLabel } from './labels.ts';
import { decodeManifest } from './manifest-text.ts';

/** What is wrong with a row: where it is, as an editor or a person counts, and in which column. */
export interface ManifestProblem {
  /** Line of a CSV file, or number of the entry in a JSON file; 1-based. 0: the file as a whole. */
  readonly row: number;
  readonly column: string;
  readonly says: string;
}

export type ManifestResult =
  | { readonly ok: true; readonly devices: readonly BenchEntry[] }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] };

const MOST_DEVICES = 2000;
const BOM = '\ufeff';

/** A row before its values are judged. */
interface RawRow {
  readonly row: number;
  readonly deviceId: string;
  readonly target: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads the devices of a batch from the bytes of a file. @see parseManifest */
export function readManifest(bytes: Uint8Array): ManifestResult {
  const decoded = decodeManifest(bytes);
  if (decoded.ok) return parseManifest(decoded.text);
  const { line, says } = decoded;
  return { ok: false, problems: [{ row: line, column: '', says }] };
}

/**
 * Reads the devices of a batch. Every row is judged before any is used: all problems are told at once. Device ids and
 * targets are judged as on the Bench, the duplicates too.
 */
export function parseManifest(text: string): ManifestResult {
  const content = text.startsWith(BOM) ? text.slice(1) : text;
  const problems: ManifestProblem[] = [];
  const tell = (row: number, column: string, says: string): void => {
    problems.push({ row, column, says: printable(says) });
  };
  const rows = /^\s*[[{]/.test(content) ? readJson(content, tell) : readCsv(content, tell);
  if (problems.length === 0 && rows.length === 0) tell(0, '', 'there is no device in it');
  if (rows.length > MOST_DEVICES)
    tell(0, '', `there are ${rows.length} devices; a batch has at most ${MOST_DEVICES}`);
  const entries = rows.map(({ row, deviceId, target }) => ({ rowId: String(row), deviceId, target }));
  for (const checked of checkBench(entries)) {
    if (checked.ok) continue;
    const { code, says } = toErrorView(checked.error);
    const column = code.startsWith('DEVICE_TARGET') ? 'target' : 'device_id';
    tell(
      Number(checked.row.rowId),
      column,
      `${says} (${quoted(column === 'target' ? checked.row.target : checked.row.deviceId)})`,
    );
  }
  if (problems.length > 0) return { ok: false, problems: [...problems].sort((a, b) => a.row - b.row) };
  return {
    ok: true,
    devices: rows.map(({ deviceId, target, labels }) => ({
      device_id: deviceId,
      target,
      labels: { ...labels },
    })),
  };
}

function quoted(text: string): string {
  return text === '' ? 'empty' : `"${text.slice(0, 80)}"`;
}

type Tell = (row: number, column: string, says: string) => void;

// ---- CSV ----

/** Names of the columns, as people write them. */
const columnNames: Readonly<Record<string, 'device_id' | 'target' | 'labels'>> = {
  device_id: 'device_id',
  deviceid: 'device_id',
  device: 'device_id',
  id: 'device_id',
  target: 'target',
  address: 'target',
  labels: 'labels',
};
const LABEL_COLUMN = /^labels?[.:](.+)$/i;

type Column =
  | { readonly kind: 'device_id' }
  | { readonly kind: 'target' }
  | { readonly kind: 'labels' }
  | { readonly kind: 'label'; readonly name: string };

function readCsv(text: string, tell: Tell): RawRow[] {
  const parsed = parseCsv(text);
  if (!parsed.ok) {
    tell(parsed.line, '', parsed.says);
    return [];
  }
  const [head, ...body] = parsed.rows;
  if (head === undefined) return [];
  const columns = readHead(head, tell);
  return columns === undefined ? [] : body.map((row) => readRow(row, columns, tell));
}

function readHead(head: CsvRow, tell: Tell): Column[] | undefined {
  const columns: Column[] = [];
  let isFine = true;
  const seen = new Set<string>();
  for (const field of head.fields) {
    const column = readColumn(field);
    const key = column?.kind === 'label' ? `label.${column.name}` : column?.kind;
    if (column === undefined)
      tell(head.line, field, 'this column is not known: device_id, target, labels, or label.NAME');
    else if (key !== undefined && seen.has(key)) tell(head.line, field, 'this column is there twice');
    else columns.push(column);
    if (key !== undefined) seen.add(key);
    isFine &&= column !== undefined;
  }
  for (const name of ['device_id', 'target']) {
    if (seen.has(name)) continue;
    isFine = false;
    tell(head.line, name, 'this column is missing; the first line names the columns');
  }
  return isFine && columns.length === head.fields.length ? columns : undefined;
}

function readColumn(field: string): Column | undefined {
  const label = LABEL_COLUMN.exec(field.trim());
  if (label?.[1] !== undefined) return { kind: 'label', name: label[1].trim() };
  const name = field
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  const kind = Object.hasOwn(columnNames, name) ? columnNames[name] : undefined;
  return kind === undefined ? undefined : { kind };
}

function readRow({ line, fields }: CsvRow, columns: readonly Column[], tell: Tell): RawRow {
  if (fields.length > columns.length)
    tell(line, '', `there are ${fields.length} fields, and the first line names ${columns.length}`);
  const found = { row: line, deviceId: '', target: '', labels: {} as Record<string, string> };
  const label = (column: string, read: LabelsResult): void => {
    if (!read.ok) {
      tell(line, column, read.says);
      return;
    }
    for (const [name, value] of Object.entries(read.labels)) {
      // Either could be the one that was meant.
      if (Object.hasOwn(found.labels, name)) tell(line, column, `"${name}" is there twice in this row`);
      found.labels[name] = value;
    }
  };
  columns.forEach((column, index) => {
    const text = fields[index] ?? '';
    if (column.kind === 'device_id') found.deviceId = text;
    else if (column.kind === 'target') found.target = text;
    else if (column.kind === 'labels') label('labels', parseLabels(text));
    else if (text !== '') label(`label.${column.name}`, readLabel(column.name, text));
  });
  return found;
}

// ---- JSON ----

const jsonEntry = z.strictObject({
  device_id: z.string(),
  target: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
});

function readJson(text: string, tell: Tell): RawRow[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (thrown) {
    tell(0, '', `this is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return [];
  }
  const entries = Array.isArray(content) ? content : devicesOf(content);
  if (entries === undefined) {
    tell(0, '', 'a list of devices is expected, or an object with the list "devices"');
    return [];
  }
  for (const { path, line } of doubledKeys(text)) {
    const [index, ...column] = path[0] === 'devices' ? path.slice(1) : path;
    const row = typeof index === 'number' ? index + 1 : 0;
    tell(row, (row === 0 ? path : column).join('.'), `is there twice, again in line ${line}`);
  }
  return entries.flatMap((entry, index) => readEntry(entry, index + 1, tell));
}

function devicesOf(content: unknown): readonly unknown[] | undefined {
  const parsed = z.strictObject({ devices: z.array(z.unknown()) }).safeParse(content);
  return parsed.success ? parsed.data.devices : undefined;
}

function readEntry(entry: unknown, row: number, tell: Tell): RawRow[] {
  const parsed = jsonEntry.safeParse(entry);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const column = issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue.path.join('.');
      const isMissing = issue.message.endsWith('received undefined');
      const says =
        issue.code === 'unrecognized_keys' ? 'is not known here' : isMissing ? 'is missing' : issue.message;
      tell(row, column, says);
    }
    return [];
  }
  const { device_id: deviceId, target, labels } = parsed.data;
  // As they were written: a name that no object keeps is gone from what was parsed.
  const written = (entry as { readonly labels?: Readonly<Record<string, string>> }).labels ?? {};
  for (const [name, value] of Object.entries(written)) {
    const label = readLabel(name, value);
    if (!label.ok) tell(row, `labels.${name}`, label.says);
  }
  return [{ row, deviceId, target, labels }];
}
