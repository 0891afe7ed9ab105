# Debian and Ubuntu packages: what we need, and how the missing ones get here. To be sourced by the
# scripts beside it. Uses apt-get only when something is missing, and never leaves a service behind.
# shellcheck shell=bash disable=SC2034

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config libssl-dev libjansson-dev
  libunistring-dev libevent-dev libhiredis-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev
  tzdata)
PRODUCTION_PACKAGES=(python3 redis-server postgresql nginx-light)
PACKAGE_PACKAGES=(build-essential debhelper dpkg-dev)
PACKAGE_TEST_PACKAGES=(lintian systemd man-db shellcheck fail2ban logrotate nginx-light strace
  prometheus-alertmanager haproxy caddy apache2)
CHROOT_TEST_PACKAGES=(debootstrap util-linux systemd-container)
COVERAGE_PACKAGES=(gcovr)
FUZZ_PACKAGES=(clang libclang-rt-dev llvm python3)
TEST_PACKAGES=("${PRODUCTION_PACKAGES[@]}" libcmocka-dev openssl python3-pytest python3-pytest-xdist curl pgbouncer
  valgrind prometheus sqlite3 shellcheck)

package_installed() {
  dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# apt_get ARGUMENTS...: as root.
as_root=()
apt_get() {
  "${as_root[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null
}

# The same, while no service of what it installs may start.
apt_get_quietly() (
  # A subshell of its own, so that its trap takes the policy away whatever happens.
  policy=/usr/sbin/policy-rc.d
  if ! [ -e "$policy" ]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  apt_get "$@"
)

# await_apt COMMAND...: again and again while another apt is at work, as in the first minutes of a new
# machine. (DPkg::Lock::Timeout would wait for dpkg's lock, but not for those of the lists and archives.)
APT_PATIENCE=900
await_apt() {
  local errors status until=$((SECONDS + APT_PATIENCE)) told=
  errors=$(mktemp) || return 1
  while :; do
    status=0
    "$@" 2>"$errors" || status=$?
    if [ "$status" -eq 0 ] || [ "$SECONDS" -ge "$until" ] || ! grep -q '^E: Could not get lock' "$errors"; then
      break
    fi
    if [ -z "$told" ]; then
      echo "Un autre programme installe des paquets ; attendons qu'il ait fini." >&2
      echo "Another program is installing packages; waiting until it has finished:" \
        "$(sed -n 's/.*held by //p' "$errors" | head -n 1)" >&2
      told=yes
    fi
    sleep 1
  done
  cat "$errors" >&2
  rm -f "$errors"
  return "$status"
}

# install_packages NAME...
install_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian or Ubuntu; these packages, or their like, are needed: $*" >&2
    return 0
  fi
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages: ${missing[*]}" >&2
      echo "Install them as root, or install sudo: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}" >&2
  { await_apt apt_get update -q &&
    await_apt apt_get_quietly install -qy --no-install-recommends "${missing[@]}"; } >&2 || {
    echo "apt-get could not install: ${missing[*]}" >&2
    return 1
  }
  # Not at the next start of the machine either.
  for package in "${missing[@]}"; do
    case $package in
    redis-server | nginx-light | postgresql | pgbouncer | prometheus | prometheus-alertmanager | fail2ban | \
      haproxy | caddy | apache2)
      if [ -d /run/systemd/system ]; then
        "${as_root[@]}" systemctl --quiet disable "${package%-light}"
      fi
      ;;
    esac
  done
}
