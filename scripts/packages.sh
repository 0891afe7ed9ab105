# Debian and Ubuntu packages: what we need, and how the missing ones get here. To be sourced by the
# scripts beside it. Uses apt-get only when something is missing, and never leaves a service behind.
# shellcheck shell=bash disable=SC2034

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build pkg-config libssl-dev libjansson-dev
  libunistring-dev libevent-dev libhiredis-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev
  tzdata)
PRODUCTION_PACKAGES=(python3 redis-server postgresql nginx-light)
PACKAGE_PACKAGES=(build-essential debhelper dpkg-dev)
PACKAGE_TEST_PACKAGES=(lintian systemd man-db shellcheck fail2ban logrotate nginx-light strace)
CHROOT_TEST_PACKAGES=(debootstrap util-linux)
FUZZ_PACKAGES=(clang libclang-rt-dev llvm python3)
TEST_PACKAGES=("${PRODUCTION_PACKAGES[@]}" libcmocka-dev openssl python3-pytest curl pgbouncer valgrind
  prometheus sqlite3 shellcheck)

package_installed() {
  dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
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

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages: ${missing[*]}" >&2
      echo "Install them as root, or install sudo: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}" >&2
  # A subshell of its own, so that its trap takes the policy away whatever happens.
  (
    policy=/usr/sbin/policy-rc.d
    if ! [ -e "$policy" ]; then
      trap '"${as_root[@]}" rm -f "$policy"' EXIT
      trap 'exit 130' INT TERM
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
      "${as_root[@]}" chmod 755 "$policy"
    fi
    "${as_root[@]}" apt-get update -q </dev/null &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qy --no-install-recommends "${missing[@]}" </dev/null
  ) >&2 || {
    echo "apt-get could not install: ${missing[*]}" >&2
    return 1
  }
  # Not at the next start of the machine either.
  for package in "${missing[@]}"; do
    case $package in
    redis-server | nginx-light | postgresql | pgbouncer | prometheus | fail2ban)
      if [ -d /run/systemd/system ]; then
        "${as_root[@]}" systemctl --quiet disable "${package%-light}"
      fi
      ;;
    esac
  done
}
