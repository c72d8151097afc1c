#!/bin/busybox sh
# The first process of a machine, in the initramfs: puts the host's files, read-only and with memory above them for what is
# written, in place of the root file system, and goes on with boot.sh there.
b=/bin/busybox

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/modules/$module"; done </modules/order

$b mount -t virtiofs -o ro host /host
$b mount -t tmpfs -o mode=755 memory /memory
$b mkdir /memory/upper /memory/work
$b mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /new

for folder in proc sys dev; do $b mount --move "/$folder" "/new/$folder"; done
exec $b switch_root /new /bin/sh /srv/tests/vm/guest/boot.sh
