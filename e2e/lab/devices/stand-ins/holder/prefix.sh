#!/bin/sh
# Guards one rehearsal device in prefix mode: when the lab dies and standard input closes, it ends every
# process group that the systemctl stand-in recorded below the device's root (first argument).
echo 'ready 0'
exec >/dev/null 2>&1
cat
for group in "$1"/run/rehearsal/groups/*; do
  case "${group##*/}" in
    # Group 1 and below would mean every process of the computer.
    *[!0-9]* | 0 | 1) ;;
    *) kill -KILL "-${group##*/}" ;;
  esac
done
exit 0
