#!/bin/sh
# First process of one rehearsal device's own mount, pid and host name world.
# Arguments: the device's root folder, the list of mounts (fstab), the device's name.
# Lives as long as its standard input is open; when the lab dies, the kernel ends everything in here.
set -eu
read -r host_pid _ </proc/self/stat
mount --all --fstab "$2"
hostname "$3" 2>/dev/null || echo "$3" >/proc/sys/kernel/hostname 2>/dev/null || :
cd "$1"
pivot_root . .
umount -l .
cd /
exec 3<&0 </dev/null
cat <&3 >/dev/null 2>&1 &
lab=$!
exec 3<&-
echo "ready $host_pid"
exec >/dev/null 2>&1
# `wait` also collects the orphans that end in this pid world.
wait "$lab"
