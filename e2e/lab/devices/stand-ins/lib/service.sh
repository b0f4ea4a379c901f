#!/bin/sh
# Runs one service the way systemd would: start, log, restart with its limits, stop on SIGTERM.
# Arguments: state folder, loaded unit file, unit name, journal file, user of the manager ('' = system).
# Type=notify and oneshot are treated like simple; sandboxing directives other than NoNewPrivileges are not applied.
. "${0%/*}/lib.sh"
. "${0%/*}/units.sh"
dir="$1" file="$2" unit="$3" journal="$4" manager="$5"
child='' stopping='' restarts=0 result=success code=0 status=0 recent='' since='' invocation=''
echo $$ >"$dir/runner"
mkdir -p "$RUN/groups"
: >"$RUN/groups/$$"
finish() { rm -f "$dir/runner" "$RUN/groups/$$"; exit 0; }
state() {
  {
    printf 'ActiveState=%s\nSubState=%s\nMainPID=%s\nNRestarts=%s\n' "$1" "$2" "${child:-0}" "$restarts"
    printf 'Result=%s\nExecMainCode=%s\nExecMainStatus=%s\n' "$result" "$code" "$status"
    printf 'InvocationID=%s\nActiveEnterTimestamp=@%s\n' "$invocation" "$since"
  } >"$dir/state.new"
  mv -f "$dir/state.new" "$dir/state"
}
stop_child() { stopping=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null; }
trap stop_child TERM
trap '' HUP INT

exec_line='' user="${manager:-root}" restart=no pause=100ms window=10s burst=5 folder=/ description="$unit" new_rights=no
while IFS='=' read -r key value; do
  case "$key" in
    ExecStart) exec_line="${exec_line:-$value}" ;;
    User) user="$value" ;;
    Restart) restart="$value" ;;
    RestartSec) pause="$value" ;;
    StartLimitIntervalSec) window="$value" ;;
    StartLimitBurst) burst="$value" ;;
    WorkingDirectory) folder="${value#-}" ;;
    Description) description="$value" ;;
    NoNewPrivileges) new_rights="$value" ;;
  esac
done <<END
$(unit_assignments "$file")
END
pause=$(seconds_of "$pause")
window=$(seconds_of "$window")
while :; do case "$exec_line" in [-@:+!]*) exec_line="${exec_line#?}" ;; *) break ;; esac; done
arguments=$(words_of "$exec_line")
program="${arguments%%
*}"
ident="${program##*/}"
no_new=''
case "$new_rights" in yes | true | on | 1) no_new=--no-new-privs ;; esac

# run_program ARGUMENTS…: becomes the service. On a computer that cannot run ELF files the payload inside
# the agent's file is run by node instead.
run_program() {
  if [ -n "$R" ] && [ "$("$(real_tool uname)" -s)" != Linux ] && [ "$(head -c 4 "$R$program" | tail -c 3)" = ELF ]; then
    set -- node "$HERE/run-agent.cjs" "$R$program" "$@"
  else
    set -- "$R$program" "$@"
  fi
  # The later of two equal names counts, so the unit's own values go in front of the program last to first.
  while IFS= read -r env_word; do
    [ -z "$env_word" ] || set -- "$env_word" "$@"
  done <<END
$(unit_environment | awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }')
END
  set -- env -i "PATH=$(device_path)" LANG=C.UTF-8 "USER=$user" "LOGNAME=$user" "HOME=$R$(passwd_field "$user" 6)" \
    SHELL=/bin/sh "INVOCATION_ID=$invocation" "$@"
  if folded; then
    shift 2
    set -- env -i "MUSTER_DEVICE_ROOT=$R" "MUSTER_REHEARSAL_USER=$user" "MUSTER_REHEARSAL_PATH=$(device_path)" "$@"
  fi
  [ "$folder" != '~' ] || folder=$(passwd_field "$user" 6)
  cd "$R$folder" || exit 200
  if folded; then as_user "$user" $OWN_SESSION "$@"; fi
  exec setpriv --reuid "$(passwd_field "$user" 3)" --regid "$(passwd_field "$user" 4)" --init-groups \
    --inh-caps=-all --ambient-caps=-all $no_new -- $OWN_SESSION "$@"
}

unit_environment() {
  unit_values "$file" Service EnvironmentFile | while read -r env_file; do
    grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$R${env_file#-}" 2>/dev/null
  done
  unit_values "$file" Service Environment | while IFS= read -r env_line; do words_of "$env_line"; done
}

# start_program: sets child, or status when there is nothing that could be started (systemd's own exit codes).
start_program() {
  if ! passwd_field "$user" 1 >/dev/null; then
    log_line "$journal" systemd 1 "$unit: Failed to determine user credentials: No such process"
    status=217
    return 1
  fi
  if [ ! -x "$R$program" ] || [ -d "$R$program" ]; then
    log_line "$journal" systemd 1 "$unit: Failed to locate executable $program: No such file or directory"
    status=203
    return 1
  fi
  log_line "$journal" "$ident" 0 ''
  if fault dead-agent; then
    (echo 'fatal: cannot start (rehearsal fault dead-agent)'; exit 1) >>"$journal" 2>&1 </dev/null &
  else
    set --
    while IFS= read -r word; do set -- "$@" "$word"; done <<END
$arguments
END
    shift
    (run_program "$@") >>"$journal" 2>&1 </dev/null &
  fi
  child=$!
  : >"$RUN/groups/$child"
  log_line "$journal" "$ident" "$child" ''
}

while :; do
  since=$(date +%s)
  invocation=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  if start_program; then
    result=success code=0 status=0
    log_line "$journal" systemd 1 "Started $unit - $description."
    log_line "$journal" "$ident" "$child" ''
    state active running
    while :; do
      wait "$child"
      status=$?
      kill -0 "$child" 2>/dev/null || break
    done
    # What the service left running ends with it, as with systemd's default KillMode.
    kill -KILL "-$child" 2>/dev/null
    rm -f "$RUN/groups/$child"
    child=''
  fi
  if [ -n "$stopping" ]; then
    result=success status=0
    state inactive dead
    log_line "$journal" systemd 1 "Stopped $unit - $description."
    finish
  fi
  code=1 result=exit-code
  case "$status" in
    0) result=success ;;
    129 | 130 | 141 | 143) result=success code=2 status=$((status - 128)) ;;
    126) status=203 ;;
    203 | 217) ;;
    1[3-9][0-9]) result=signal code=2 status=$((status - 128)) ;;
  esac
  [ "$result" = success ] ||
    log_line "$journal" systemd 1 "$unit: Main process exited, code=$([ "$code" = 1 ] && echo exited || echo killed), status=$status"
  again=''
  case "$restart" in
    always) again=1 ;;
    on-failure) [ "$result" = success ] || again=1 ;;
    on-success) [ "$result" != success ] || again=1 ;;
    on-abnormal | on-abort) [ "$result" != signal ] || again=1 ;;
  esac
  if [ -z "$again" ]; then
    if [ "$result" = success ]; then state inactive dead; else state failed failed; fi
    finish
  fi
  now=$(date +%s)
  recent=$(for at in $recent $since; do awk -v a="$at" -v n="$now" -v w="$window" 'BEGIN { if (n - a < w) print a }'; done)
  if [ "$window" != 0 ] && [ "$(printf '%s\n' "$recent" | grep -c .)" -ge "$burst" ]; then
    log_line "$journal" systemd 1 "$unit: Start request repeated too quickly."
    log_line "$journal" systemd 1 "$unit: Failed with result '$result'."
    state failed failed
    finish
  fi
  state activating auto-restart
  sleep "$pause" &
  wait $!
  if [ -n "$stopping" ]; then state inactive dead; finish; fi
  restarts=$((restarts + 1))
  log_line "$journal" systemd 1 "$unit: Scheduled restart job, restart counter is at $restarts."
done
