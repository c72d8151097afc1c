#!/bin/sh
# Makes a machine what a booted Debian is to the tests, runs them, and turns the machine off.
cd /srv || poweroff -f
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp NO_COLOR=1 CI=true

for folder in /tmp /run /dev/shm; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=1777 tmpfs "$folder"
done
chmod 755 /run
mkdir -p /run/netns /dev/pts /usr/lib/modules
mount -t devpts devpts /dev/pts
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind build/vm/kernel/lib/modules /usr/lib/modules
ip link set lo up
# Modules of tunnels make no interfaces of their own in the namespaces of tests.
echo 2 >/proc/sys/net/core/fb_tunnels_only_for_init_net

stty -F /dev/ttyS1 raw
node --import tsx tests/vm/guest/main.ts /dev/ttyS1
poweroff -f
