import type { EnrollmentRow } from '#shared/model/station-state.ts';
import { parseTarget } from '#shared/model/target.ts';

type RowError = NonNullable<EnrollmentRow['error']>;

/** The failed devices that share one cause, and so one remedy. */
export interface Cause {
  readonly code: RowError['code'];
  readonly title: string;
  /** What is so for all of them. */
  readonly says: string;
  readonly operatorDoes: string;
  readonly retry: RowError['retry'];
  readonly secretNeeded: RowError['secretNeeded'];
  /** What the station can do about it. */
  readonly offer: RowError['offer'];
  /** Bench order. */
  readonly deviceIds: readonly string[];
  readonly targets: readonly string[];
}

/**
 * The account a password is asked for, where it is the same for all targets. This computer's own account is not known
 * here; the error names it.
 * @param usual login of targets that name none
 */
export function sharedLogin(targets: readonly string[], usual: string | undefined): string | undefined {
  const logins = new Set(
    targets.map((text) => {
      const parsed = parseTarget(text);
      return parsed.ok && parsed.target.kind === 'ssh' ? (parsed.target.user ?? usual) : undefined;
    }),
  );
  const [login] = logins;
  return logins.size === 1 ? login : undefined;
}

/**
 * Failed rows by cause. `known` are the codes shown so far, in their order: they keep their place, new ones go
 * below, in the order in which they appeared.
 */
export function groupCauses(rows: readonly EnrollmentRow[], known: readonly string[] = []): Cause[] {
  const groups = new Map<RowError['code'], EnrollmentRow[]>();
  const failed = rows.filter((row) => row.state === 'failed' && row.error !== undefined);
  for (const row of failed.sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))) {
    const code = row.error?.code;
    if (code === undefined) continue;
    groups.set(code, [...(groups.get(code) ?? []), row]);
  }
  const place = (code: string) => (known.includes(code) ? known.indexOf(code) : known.length);
  return [...groups.entries()]
    .sort(([a], [b]) => place(a) - place(b))
    .flatMap(([code, members]) => causeOf(code, members));
}

function causeOf(code: RowError['code'], members: readonly EnrollmentRow[]): Cause[] {
  const first = members[0]?.error;
  if (first === undefined) return [];
  const same = (text: (error: RowError) => string) =>
    members.every((row) => row.error !== undefined && text(row.error) === text(first));
  const inBenchOrder = [...members].sort((a, b) => a.position - b.position);
  return [
    {
      code,
      title: first.title,
      // A sentence with one device's address in it would be wrong for the others.
      says: same((error) => error.says) || !same((error) => error.cause) ? first.says : first.cause,
      operatorDoes: first.operatorDoes,
      retry: first.retry,
      secretNeeded: first.secretNeeded,
      offer: first.offer,
      deviceIds: inBenchOrder.map((row) => row.deviceId),
      targets: inBenchOrder.map((row) => row.target),
    },
  ];
}
