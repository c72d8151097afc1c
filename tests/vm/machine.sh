#!/bin/sh
# Runs a machine on the host's own files, read-only, until it turns itself off. It is started in mount and process namespaces
# of its own, which take mounts, sockets and processes with them when they end.
#   machine.sh RELEASE KERNEL SNAPSHOT INITRAMFS REPORT    (paths but the first; Seawall is the working folder, /srv inside)
set -eu
release=$1 kernel=$2 snapshot=$3 initramfs=$4 report=$5
host=/run/host

mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir "$host"

# Without what is mounted on the root file system, such as the kernel's own.
share() {
  mount --bind "$1" "$host$2"
  mount -o remount,bind,ro "$host$2"
}
share / ''
share "$snapshot" /srv
share node_modules /srv/node_modules
share tests/vm/guest/tsx /srv/node_modules/tsx
share "$kernel" /srv/build/vm/kernel

/usr/lib/qemu/virtiofsd --socket-path=/run/files -o "source=$host" -o cache=always >/run/virtiofsd.log 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -S /run/files ] && break
  sleep 0.2
done
[ -S /run/files ] || { cat /run/virtiofsd.log >&2; exit 1; }

# Without -cx16, Linux 6.12 stops early in its boot under emulation. Threads of an emulated machine on several of the host's
# CPUs corrupt code that Node compiles, so there is one. no_timer_check: on a busy host the kernel finds the timer too slow and
# stops. The rest spares work that no test looks at: to wait long for all CPUs, and to clear memory that is written anyway.
exec qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
  -machine q35 -accel tcg,thread=single -cpu Westmere,-cx16 -smp 2 -m 3072M \
  -object memory-backend-memfd,id=memory,size=3072M,share=on -numa node,memdev=memory \
  -chardev socket,id=files,path=/run/files -device vhost-user-fs-pci,queue-size=1024,chardev=files,tag=host \
  -serial stdio -serial "file:$report" \
  -kernel "$kernel/boot/vmlinuz-$release" -initrd "$initramfs" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check rcupdate.rcu_expedited=1 init_on_alloc=0" </dev/null
