import { profileSchema } from '../model/profile.ts';

export type LabelsResult =
  | { readonly ok: true; readonly labels: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly says: string };

/** One label, by the rules of a profile. */
export function readLabel(name: string, value: string): LabelsResult {
  const result = profileSchema.shape.labels.safeParse({ [name]: value });
  // Some names are not kept by an object at all.
  if (result.success && !Object.hasOwn(result.data, name))
    return { ok: false, says: `"${name}" is not a name of a label` };
  if (result.success) return { ok: true, labels: result.data };
  const says =
    result.error.issues[0]?.code === 'too_big' ? 'is longer than 256 characters' : 'is not a name of a label';
  return {
    ok: false,
    says: result.error.issues[0]?.code === 'too_big' ? `the value of ${name} ${says}` : `"${name}" ${says}`,
  };
}

/** Labels as they are typed: `group=batch7,site=east`. Semicolons do as well; a value holds neither. */
export function parseLabels(text: string): LabelsResult {
  const labels: Record<string, string> = {};
  for (const part of text.split(/[,;]/).map((piece) => piece.trim())) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    if (equals < 1) return { ok: false, says: `"${part}" is not name=value` };
    const name = part.slice(0, equals).trim();
    if (Object.hasOwn(labels, name)) return { ok: false, says: `"${name}" is there twice` };
    const label = readLabel(name, part.slice(equals + 1).trim());
    if (!label.ok) return label;
    Object.assign(labels, label.labels);
  }
  return { ok: true, labels };
}
