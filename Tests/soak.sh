#!/bin/sh
# Runs the soak with a small disk and a boot id of its own, in a mount namespace of its own: as root only, as mounting needs that.
# Arguments: the directory of the programs, and options for MartletSoak.
set -eu

programs=$1
shift
if [ "$(id -u)" != 0 ]; then
    echo "an ordinary user cannot mount a disk: it is never full in this soak"
    exec "$programs/MartletSoak" "$@"
fi
base=$(mktemp -d /tmp/mXXXXXX)
trap 'rm -rf "$base"' EXIT
mkdir "$base/d"
if [ -e /dev/loop-control ]; then
    truncate -s 256M "$base/image"
    # With smaller blocks, which a small disk gets by default, SQLite's shared memory is not wholly allocated: on a full disk a
    # process would end by SIGBUS.
    /sbin/mkfs.ext4 -q -F -b 4096 "$base/image"
    set -- --image "$base/image" "$@"
    mount='mount -o loop "$0/image" "$0/d" && chmod 0700 "$0/d"'
else
    mount='mount -t tmpfs -o size=256m,mode=0700 tmpfs "$0/d"'
fi
boot=/proc/sys/kernel/random/boot_id
cat "$boot" >"$base/boot"
# Where nothing can be mounted on the boot id, the machine never starts anew.
start='if mount --bind "$0/boot" '$boot'; then set -- "$@" --boot-id "$0/boot"; fi'
unshare --mount sh -c "$mount && { $start; }"' && exec "$@"' "$base" "$programs/MartletSoak" --disk "$base/d" "$@"
