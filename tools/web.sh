#!/bin/bash
# Builds and tests the viewer (web/) with npm; the packages are those of web/package-lock.json.
#
#   tools/web.sh build   build/web/index.html, one file with all in it; nothing if nothing changed
#   tools/web.sh test    the unit tests of the model
#   tools/web.sh npm     only installs the packages
#   tools/web.sh browser      the tests in Chromium, on traces of the two listings
#   tools/web.sh notebooks    the tests in JupyterLab and Notebook 7
#   tools/web.sh measure TRACE   how fast the page draws it
#   tools/web.sh screenshots  pictures of the views into docs/images
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
exec 9>build/web.lock # builds of several presets share the result
flock 9

fail() {
  printf 'web: %s\n    hint: %s\n' "$1" "$2" >&2
  exit 1
}

checksum() { find "$@" -type f -print0 | sort -z | xargs -0 cat | cksum; }

# As the lock says; npm ci refuses where a registry lacks packages of other systems that are optional.
install_packages() {
  command -v npm >/dev/null || fail "npm was not found: it builds the viewer" \
    "apt-get install nodejs npm, or Node.js 18 or later from elsewhere"
  local wanted
  wanted=$(checksum web/package-lock.json)
  if [ "$wanted" = "$(cat web/node_modules/stamp 2>/dev/null)" ]; then return 0; fi
  echo "web: installing from npm, once: $(sed -n 's/^    "\(@\{0,1\}[a-z/-]*\)": "^.*/\1/p' web/package.json | xargs)"
  (cd web && npm install --no-save --no-audit --no-fund --loglevel=error) >build/npm.log 2>&1 ||
    fail "npm install failed: $(tail -n 3 build/npm.log | xargs)" "build/npm.log has it all"
  echo "$wanted" >web/node_modules/stamp
}

build_page() {
  local wanted
  wanted=$(checksum web/src web/index.html web/package-lock.json web/*.ts web/tsconfig.json)
  if [ "$wanted" = "$(cat build/web.stamp 2>/dev/null)" ] && [ -s build/web/index.html ]; then
    touch build/web/index.html
    return 0
  fi
  install_packages
  (cd web && npm run --silent build) >build/web.log 2>&1 ||
    fail "the viewer does not build: $(grep -m 3 -iE 'error|fail' build/web.log | xargs)" "build/web.log has it all"
  echo "$wanted" >build/web.stamp
}

record_traces() {
  if [ -s build/traces/sites.jlt ] && [ build/traces/sites.jlt -nt build/default/src/jetlag ]; then
    return 0
  fi
  echo "web: recording the two listings, an archive with messages and three odd runs"
  rm -rf build/traces/ring
  /usr/bin/python3 tools/sample_messages.py build/traces/ring # Debian's: it has the writer of OTF2
  .venv/bin/python tools/sample_traces.py
}

traces="$PWD/build/traces/regression.jlt $PWD/build/traces/recommender.jlt"

case ${1:-build} in
  browser) install_packages && record_traces && cd web && TRACES=${traces/ /:} npm run --silent test-browser ;;
  # shellcheck disable=SC2086  # one argument for each trace
  screenshots)
    install_packages && record_traces && .venv/bin/python tools/story_traces.py && cd web &&
      npm run --silent screenshots -- ../docs/images $traces "$PWD"/../build/traces/{ring,{imbalance,memory,grain}-*.jlt} ;;
  build) build_page ;;
  measure) install_packages && cd web && npm run --silent measure -- "$2" ;;
  notebooks) install_packages && cd web && npm run --silent test-notebooks ;;
  test) install_packages && cd web && npm run --silent test ;;
  npm) install_packages ;;
  *) fail "there is no $1" "tools/web.sh build, test, npm, browser, measure, notebooks or screenshots" ;;
esac
