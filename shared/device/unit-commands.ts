import { writeFile } from './commands.ts';
import { type DeviceCommand, defineCommand } from './device-command.ts';
import { defineFragment, type Fragment } from './fragment.ts';
import { restartMarkPath, unitMessages, unitName, unitPath } from './paths.ts';

/** Settings by which a drop-in makes the unit run something else, or as somebody else. */
const runsOtherwise =
  '^[[:space:]]*(ExecStart|User|Group|DynamicUser|WorkingDirectory|RootDirectory|RootImage)[[:space:]]*=';

/** Where systemd looks for drop-ins, the strongest place first (systemd.unit(5)). */
const dropInPlaces = ['/etc', '/run', '/usr/local/lib', '/usr/lib']
  .map((place) => `${place}/systemd/system/${unitName}.d`)
  .join(' ');

/**
 * Shell function that prints the path of every drop-in by which our unit would not be ours, one a line. Others, that
 * limit or log, are somebody's good reason and stay. One of the same name in a stronger place hides the weaker.
 */
export const findDropIns = `foreign_drop_ins() {
  shown=/
  for p in ${dropInPlaces}; do
    for f in "$R$p"/*.conf; do
      [ -e "$f" ] || [ -L "$f" ] || continue
      case "$shown" in */"\${f##*/}"/*) continue ;; esac
      shown="$shown\${f##*/}/"
      if [ -f "$f" ] && grep -qE '${runsOtherwise}' "$f"; then printf '%s\n' "$p/\${f##*/}"; fi
    done
  done
}`;

/**
 * Sets the drop-ins of others aside that change what the unit runs. In /etc the file keeps its content under a name
 * systemd does not read; elsewhere it belongs to a package, and a link to nothing hides it, as systemd.unit(5) says.
 */
export function setDropInsAside(): Fragment {
  return defineFragment(
    `set aside ${unitName}.d`,
    `${findDropIns}
e=/etc/systemd/system/${unitName}.d
foreign_drop_ins | while IFS= read -r f; do
  case "$f" in
    "$e"/*) mv -f "$R$f" "$R$f.before" ;;
    *) mkdir -p "$R$e"; ln -s /dev/null "$R$e/\${f##*/}" ;;
  esac
  echo "$f no longer counts"
done
systemctl daemon-reload`,
  );
}

/** Makes systemd read the unit as it stands on the disk. */
export function reloadUnit(): Fragment {
  return defineFragment('systemctl daemon-reload', 'systemctl daemon-reload');
}

/** Writes the agent's unit. Before it counts, systemd has to read it: {@link enableUnit} or {@link reloadUnit}. */
export function writeUnit(content: string): Fragment {
  return defineFragment(`write ${unitPath}`, writeFile(unitPath, content));
}

/**
 * Enables the unit at boot, and makes systemd read all units as they stand on the disk: systemctl does so by itself
 * behind the enabling. To read them before as well would be the slowest single act of an enrollment, done twice.
 */
export function enableUnit(): Fragment {
  return defineFragment(`systemctl enable ${unitName}`, `systemctl enable ${unitName}`);
}

const clearMark = `rm -f "$R${restartMarkPath}"`;

/** Shell line: an agent that failed too often is not started any more until its failures are forgotten. */
function doOrForgetFailures(verb: 'restart' | 'start'): string {
  const act = `systemctl ${verb} ${unitName}`;
  return `${act} || { systemctl reset-failed ${unitName} 2>/dev/null || true; ${act}; }`;
}

/** Starts the agent anew with what was changed. */
export function restartUnit(): Fragment {
  return defineFragment(`systemctl restart ${unitName}`, `${doOrForgetFailures('restart')}\n${clearMark}`);
}

/** Starts the agent where it is not running. */
export function startUnit(): Fragment {
  return defineFragment(`systemctl start ${unitName}`, `${doOrForgetFailures('start')}\n${clearMark}`);
}

/** The agent's own last words, for the evidence of a missing heartbeat. */
export function readAgentJournal(lines: number): DeviceCommand {
  return defineCommand(
    `journalctl -u ${unitName} -n ${lines}`,
    `journalctl --no-pager --quiet -o cat -n ${lines} ${unitMessages}\n`,
    { asRoot: true },
  );
}
