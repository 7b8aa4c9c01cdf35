#!/bin/sh
# Runs the soak with a small disk of its own, in a mount namespace of its own: as root only, as mounting needs that.
# Arguments: the directory of the programs, and options for MartletSoak.
set -eu

programs=$1
shift
if [ "$(id -u)" != 0 ]; then
    echo "an ordinary user cannot mount a disk: it is never full in this soak"
    exec "$programs/MartletSoak" "$@"
fi
disk=$(mktemp -d /tmp/mXXXXXX)
trap 'rmdir "$disk"' EXIT
unshare --mount sh -c 'mount -t tmpfs -o size=256m,mode=0700 tmpfs "$0" && exec "$@"' "$disk" "$programs/MartletSoak" --disk "$disk" "$@"
