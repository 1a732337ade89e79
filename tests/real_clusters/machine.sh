#!/usr/bin/env bash
# The first process of a "machine": own network, processes, host name, home, /tmp and /etc/hosts; SSH on its address.
#     machine.sh NAME ADDRESS DISK SHARED KEEP...
# DISK is its own folder; SHARED is /mnt/shared on every machine; KEEP are what must stay visible of the real /tmp.
# It ends, and with it every process on the machine, when its standard input does.
set -euo pipefail
name=$1 address=$2 disk=$3 shared=$4
shift 4
hostname "$name"
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done # the cable comes from outside
ip address add "$address/24" dev eth0
ip link set eth0 up
# Leads nowhere: Ray takes the address that a packet to the internet would leave from.
ip route add default via "${address%.*}.1" dev eth0 onlink

mount -t tmpfs none /mnt
mkdir -p /mnt/shared /mnt/keep /mnt/disk
mount --bind "$shared" /mnt/shared
mount --bind "$disk" /mnt/disk
index=0
for path in "$@"; do
    mkdir -p "/mnt/keep/$index"
    mount --rbind "$path" "/mnt/keep/$index"
    index=$((index + 1))
done
mount -t tmpfs none /tmp
chmod 1777 /tmp
index=0
for path in "$@"; do
    mkdir -p "$path"
    mount --rbind "/mnt/keep/$index" "$path"
    index=$((index + 1))
done
# The user that cluster files name is root by another name: it may mount, and needs no sudo.
{
    printf '%s:x:0:0::/mnt/disk/home:/bin/bash\n' root ubuntu
    grep -v '^root:\|^ubuntu:' /etc/passwd
} >/mnt/passwd
mount --bind /mnt/passwd /etc/passwd
mount --bind /mnt/shared/hosts /etc/hosts
mount -t tmpfs none /run
mkdir -p /run/sshd
export HOME=/mnt/disk/home
cd "$HOME"
/usr/sbin/sshd -e -f /dev/null -o ListenAddress="$address" -o HostKey=/mnt/disk/host_key -o StrictModes=no \
    -o PidFile=none -o UsePAM=no -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \
    -o PermitRootLogin=prohibit-password -o MaxStartups=50
echo up
read -r || true # a shell, so that it reaps the processes that lose their parent
