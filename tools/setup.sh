#!/bin/bash
# Installs what jetlag needs: Debian packages by apt (tools/apt-packages.txt), then .venv with the
# Python packages that pyproject.toml names. Says what it installs, and installs it once.
#
#   tools/setup.sh build    for every command
#   tools/setup.sh check    for `make check` and `make fmt` as well
#   tools/setup.sh web      for `make test-web` and `make screenshots`: a browser
#   tools/setup.sh notebooks  for `make test-notebooks`: the same, and JupyterLab and Notebook 7
#   tools/setup.sh jobs     for `make test-jobs` and its like as well: sshd, Slurm, podman and its like
#   tools/setup.sh bench    for `make bench`: the peers to measure against (700 MB)
#
# PYTHON=/path/to/python3 picks the Python of .venv; NO_APT=1 leaves Debian's packages to you.
set -euo pipefail
cd "$(dirname "$0")/.."
group=${1:-build}

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf '    hint: %s\n' "$2" >&2; fi
  exit 1
}

wanted_packages() {
  awk -v group="${group/notebooks/web}" '/^[a-z]/ && ($2 == "build" || index("," $2 ",", "," group ",")) {print $1}' \
    tools/apt-packages.txt
}

missing_packages() {
  local present
  present=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null |
    awk '$1 == "installed" {print $2}')
  wanted_packages | grep -vxF -f <(echo "$present") | without_node || true
}

# Node.js from elsewhere brings its npm, and Debian's would get into its way.
without_node() {
  if command -v npm >/dev/null; then grep -vx -e nodejs -e npm; else cat; fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_be_root() {
  if [ "$(id -u)" = 0 ]; then return 0; fi
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || [ -t 0 ]
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# apt's own lists may be absent (a fresh machine) or name files that the mirror no longer has.
install_packages() {
  if [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ]; then
    if apt_get install -y --no-install-recommends "$@" >build/apt.log 2>&1; then return 0; fi
  fi
  say "apt-get update"
  apt_get update >build/apt.log 2>&1 || fail "apt-get update failed: $(tail -n 1 build/apt.log)"
  apt_get install -y --no-install-recommends "$@" >build/apt.log 2>&1 ||
    fail "apt-get install failed: $(tail -n 3 build/apt.log)" "build/apt.log has it all"
}

setup_apt() {
  local missing
  if [ -n "${NO_APT:-}" ]; then return 0; fi
  command -v dpkg-query >/dev/null ||
    fail "this is no Debian, so apt cannot install what tools/apt-packages.txt lists" \
      "install those by hand, then NO_APT=1 make setup"
  missing=$(missing_packages | xargs)
  if [ -z "$missing" ]; then return 0; fi
  can_be_root ||
    fail "these packages are missing, and installing them needs root or sudo: $missing" \
      "as root: apt-get update && apt-get install -y --no-install-recommends $missing"
  say "installing from Debian, once: $missing"
  # shellcheck disable=SC2086  # one argument for each package
  install_packages $missing
}

# Debian's own python3 first: its headers are what python3-dev installs.
find_python() {
  local python
  for python in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
      2>/dev/null; then
      command -v "$python"
      return 0
    fi
  done
  fail "no python3 of version 3.11 or later with the venv module was found" \
    "PYTHON=/path/to/python3 make setup"
}

# The stamp is what .venv was made from; anything else means that pip looks again.
setup_venv() {
  local python stamp site
  python=$(find_python)
  stamp=$("$python" --version; echo "$python $PWD"; "$python" tools/requirements.py)
  if [ -x .venv/bin/python ] && [ "$stamp" = "$(cat .venv/setup-stamp 2>/dev/null)" ]; then
    return 0
  fi
  say "making .venv with $python ($("$python" --version))"
  "$python" -m venv --clear .venv
  say "installing from PyPI, once: $("$python" tools/requirements.py | xargs)"
  "$python" tools/requirements.py >build/requirements.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r build/requirements.txt
  site=$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')
  echo "$PWD/python" >"$site/jetlag.pth"
  echo "$stamp" >.venv/setup-stamp
}

# The packages of a group that only one command wants; false if they could not be installed.
setup_group() {
  local wanted
  wanted=$(.venv/bin/python tools/requirements.py "$1")
  if [ "$wanted" = "$(cat ".venv/$1-stamp" 2>/dev/null)" ]; then return 0; fi
  say "installing from PyPI, once: $(echo "$wanted" | xargs)"
  echo "$wanted" >"build/requirements-$1.txt"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    -r "build/requirements-$1.txt" || return 1
  echo "$wanted" >".venv/$1-stamp"
}

mkdir -p build
setup_apt
setup_venv
# Without them `make bench` says "absent" and goes on, so a machine without a network can measure.
if [ "$group" = bench ]; then
  setup_group bench || say "not all peers could be installed; those are absent from the table"
fi
if [ "$group" = notebooks ]; then
  setup_group notebooks || fail "the notebooks could not be installed"
fi
