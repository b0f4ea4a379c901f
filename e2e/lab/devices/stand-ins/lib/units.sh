# Unit files as the systemctl and journalctl stand-ins and the service runner see them. Sourced after lib.sh.

# unit_values FILE SECTION KEY: every value of that key, one per line; an empty assignment clears the earlier ones.
unit_values() {
  awk -v section="[$2]" -v key="$3" '
    { sub(/\r$/, "") }
    held != "" { $0 = held $0; held = "" }
    /^[ \t]*[#;]/ { next }
    /\\$/ { held = substr($0, 1, length($0) - 1) " "; next }
    /^[ \t]*\[/ { gsub(/[ \t]/, ""); here = $0; next }
    here == section && (at = index($0, "=")) {
      name = substr($0, 1, at - 1); gsub(/[ \t]/, "", name)
      if (name != key) next
      value = substr($0, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", value)
      if (value == "") count = 0; else values[++count] = value
    }
    END { for (i = 1; i <= count; i++) print values[i] }' "$1"
}

# unit_assignments FILE: all `key=value` lines of the file, continued lines joined, without comments and sections.
# Good for keys that one section only may have.
unit_assignments() {
  awk '
    { sub(/\r$/, "") }
    held != "" { $0 = held $0; held = "" }
    /^[ \t]*[#;[]/ { next }
    /\\$/ { held = substr($0, 1, length($0) - 1) " "; next }
    (at = index($0, "=")) {
      name = substr($0, 1, at - 1); gsub(/[ \t]/, "", name)
      value = substr($0, at + 1); gsub(/^[ \t]+|[ \t]+$/, "", value)
      print name "=" value
    }' "$1"
}

# unit_value FILE SECTION KEY DEFAULT: the last value of that key.
unit_value() {
  unit_found=$(unit_values "$1" "$2" "$3" | tail -n 1)
  printf '%s\n' "${unit_found:-$4}"
}

# seconds_of SPAN: `5`, `5s`, `500ms`, `1min` or `2min 30s` in seconds.
seconds_of() {
  printf '%s\n' "$1" | awk '{
    gsub(/[0-9.]+/, " & ")
    for (i = 1; i <= NF; i += 2) {
      unit = $(i + 1); factor = 1
      if (unit == "ms") factor = 0.001; else if (unit ~ /^m(in|inute|inutes)?$/) factor = 60; else if (unit ~ /^h/) factor = 3600
      total += $i * factor
    }
    print total + 0 }'
}

# words_of TEXT: the words of an ExecStart= or Environment= value, one per line, quotes removed.
words_of() { printf '%s\n' "$1" | xargs -n 1 printf '%s\n'; }

# log_line FILE IDENT PID TEXT: one line in the journal of a unit. Lines the service itself writes follow
# the last such mark and carry its time. Fields are parted by byte 037; a mark starts with byte 036.
log_line() {
  log_when=$(date '+%s %b %d %H:%M:%S %Y-%m-%dT%H:%M:%S%z')
  log_epoch="${log_when%% *}" log_iso="${log_when##* }"
  log_short="${log_when#* }"
  printf '\036%s\037%s\037%s\037%s\037%s\037%s\n' "$log_epoch" "${log_short% *}" "$log_iso" "$2" "$3" "$4" >>"$1"
}
