#!/bin/sh
# Makes this clone ready: Debian packages, node modules, BPF objects. Says what it does; does nothing the second time.
# setup.sh NAME also installs what tools/debian-packages-NAME lists.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

require_root() {
  [ "$(id -u)" -eq 0 ] || fail 'Root is needed: to load eBPF programs, to make network namespaces for the lab,' \
    'to mount the BPF file system and to install Debian packages (try again with sudo; npm run test:unit needs no root)'
}

require_node() {
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || fail 'Node is not installed (wanted: 20 or newer)'
  [ "$major" -ge 20 ] || fail "Node $major is too old (wanted: 20 or newer)"
}

lists="tools/debian-packages ${1:+tools/debian-packages-$1}"

# shellcheck disable=SC2086
wanted_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' $lists; }

missing_packages() {
  # shellcheck disable=SC2046
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $(wanted_packages) 2>/dev/null | sed -n 's/^installed //p')
  for package in $(wanted_packages); do
    printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
  done
}

# While packages are installed, no daemon that comes with them (nginx, nsd) may start. An administrator's own policy stays.
forbid_daemons() {
  [ -e /usr/sbin/policy-rc.d ] && return
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  made_policy=yes
}

allow_daemons() {
  [ "${made_policy:-no}" = yes ] || return 0
  rm -f /usr/sbin/policy-rc.d
  trap - EXIT INT TERM
}

install_packages() {
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "Cannot install $missing: there is no apt-get (install them by your system's means)"
  say "installing Debian packages: $missing"
  forbid_daemons
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
  allow_daemons
}

install_modules() {
  [ -e node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ] && return
  say 'installing node modules (npm ci)'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
}

build_objects() {
  stamp=build/bpf/.built
  if [ -e "$stamp" ] && [ -z "$(find bpf lab/bpf tests/fixtures -name '*.[ch]' -newer "$stamp" 2>/dev/null)" ]; then return; fi
  say 'compiling BPF objects'
  mkdir -p build/bpf
  touch "$stamp.new"
  node --import tsx tools/build-bpf.ts
  mv "$stamp.new" "$stamp"
}

require_root
require_node
install_packages
install_modules
build_objects
