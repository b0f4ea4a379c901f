import { Plus, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Button, IconButton } from '../../ui/Button.tsx';
import { TextField } from '../../ui/Field.tsx';
import { listOf, type MachineUserRow, setSetUp, useSetUp } from './set-up-store.ts';

/** The role a user gets where nothing else is typed: the one every device has. */
const USUAL_ROLE = 'device';
const MOST_USERS = 50;

const userName = /^(?!device-)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const roleName = /^[^\s,=]{1,200}$/;

/** The first of these that is no name of a role, as a sentence; empty where all are. */
export function rolesSay(roles: string): string {
  const wrong = listOf(roles).find((name) => !roleName.test(name));
  return wrong === undefined ? '' : `${wrong}: no spaces and no "=".`;
}

/** What is wrong with one of the users, seen beside the others; empty where nothing is. */
export function userSays(row: MachineUserRow, rows: readonly MachineUserRow[]): string {
  const name = row.name.trim();
  if (name === '') return row.roles.trim() === '' ? '' : 'A name is needed.';
  if (!userName.test(name)) return `${name}: letters, digits, ". _ -" only, and not "device-…".`;
  const first = rows.find((other) => other.name.trim() === name);
  return first === row ? rolesSay(row.roles) : `${name} is there twice.`;
}

/** The users that are named, each with its roles on the project. */
export function machineUsersOf(rows: readonly MachineUserRow[]): { name: string; roles: string[] }[] {
  return rows
    .filter((row) => row.name.trim() !== '')
    .map((row) => ({ name: row.name.trim(), roles: rolesOf(row) }));
}

function rolesOf(row: MachineUserRow): string[] {
  const roles = listOf(row.roles);
  return roles.length === 0 ? [USUAL_ROLE] : roles;
}

/** Services that sign in with a key of their own: a name and its roles in each line. */
export function MachineUsers() {
  const rows = useSetUp((store) => store.machineUsers);
  const place = useRef<HTMLFieldSetElement>(null);
  const count = useRef(rows.length);
  // A new line is written in at once; after one was taken away the keyboard stays here.
  useEffect(() => {
    const before = count.current;
    count.current = rows.length;
    if (rows.length === before) return;
    const names = place.current?.querySelectorAll<HTMLInputElement>('[data-user-name]');
    const add = place.current?.querySelector<HTMLButtonElement>('[data-add-user]');
    if (rows.length > before) names?.[rows.length - 1]?.focus();
    else add?.focus();
  }, [rows.length]);
  const change = (key: number, part: Partial<MachineUserRow>) =>
    setSetUp({ machineUsers: rows.map((row) => (row.key === key ? { ...row, ...part } : row)) });
  const add = () => {
    const key = 1 + Math.max(0, ...rows.map((row) => row.key));
    setSetUp({ machineUsers: [...rows, { key, name: '', roles: '' }] });
  };
  return (
    <fieldset ref={place} className="relative mt-3 border-t border-line-2 pt-3">
      <legend className="visually-hidden">Machine users</legend>
      <div className="flex items-baseline gap-3">
        <span className="text-sm font-medium" aria-hidden="true">
          Machine users
        </span>
        <p className="text-xs text-ink-2">
          Services that sign in with a key of their own. Each gets a key file and its roles on the project.
        </p>
      </div>
      {rows.length === 0 ? null : (
        <div className="mt-2 grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_28px] gap-x-3" aria-hidden="true">
          <span className="text-xs text-ink-2">Name</span>
          <span className="text-xs text-ink-2">Roles</span>
        </div>
      )}
      {rows.map((row, index) => {
        const says = userSays(row, rows);
        const number = index + 1;
        return (
          <div key={row.key} className="mt-0.5">
            <div className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_28px] items-center gap-x-3">
              <TextField
                data-user-name
                aria-label={`Name of machine user ${number}`}
                aria-invalid={says !== ''}
                aria-describedby={`user-${row.key}-says`}
                placeholder="nats-auth"
                value={row.name}
                onChange={(event) => change(row.key, { name: event.currentTarget.value })}
              />
              <TextField
                aria-label={`Roles of machine user ${number}`}
                aria-describedby={`user-${row.key}-says`}
                placeholder={USUAL_ROLE}
                value={row.roles}
                onChange={(event) => change(row.key, { roles: event.currentTarget.value })}
              />
              <IconButton
                label={`Remove machine user ${row.name === '' ? number : row.name}`}
                icon={<X size={14} strokeWidth={1.7} aria-hidden="true" />}
                onClick={() => setSetUp({ machineUsers: rows.filter(({ key }) => key !== row.key) })}
              />
            </div>
            <p id={`user-${row.key}-says`} className="min-h-[18px] text-xs leading-[18px] text-fail-fg">
              {says}
            </p>
          </div>
        );
      })}
      <Button
        data-add-user
        className="mt-2"
        disabled={rows.length >= MOST_USERS}
        icon={<Plus size={14} strokeWidth={1.7} aria-hidden="true" />}
        onClick={add}
      >
        Add a machine user
      </Button>
    </fieldset>
  );
}
