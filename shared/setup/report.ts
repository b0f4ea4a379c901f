/** What became of one thing that has to be there. The `would-` states are those of a dry run. */
export const setUpStates = ['created', 'already', 'changed', 'would-create', 'would-change'] as const;
export type SetUpState = (typeof setUpStates)[number];

export const setUpKinds = [
  'organisation',
  'project',
  'role',
  'device-app',
  'api-app',
  'machine-user',
  'grant',
  'key',
  'file',
] as const;
export type SetUpKind = (typeof setUpKinds)[number];

export interface SetUpItem {
  readonly kind: SetUpKind;
  readonly name: string;
  readonly state: SetUpState;
  /** The provider's id: of an application its client id. Absent where a dry run makes none. */
  readonly id?: string;
  /** What was put right, or where it was kept. */
  readonly note?: string;
}

export interface SetUpReport {
  readonly items: readonly SetUpItem[];
  /** Things that are, or would be, different from before. */
  readonly changes: number;
}
