#!/bin/bash
# Builds into build/default, for the Python of .venv, and lets that Python find the result.
#
#   tools/build.sh              everything: libraries, command, extension module, C++ tests
#   tools/build.sh TARGET…      only these
#
# JOBS=n sets how many compilers run at once; otherwise cores and free memory decide.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/default
# Another clone of the same sources finds its objects in the compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
python=$PWD/.venv/bin/python

# A build folder remembers where it was made and for which Python: elsewhere it is worth nothing.
signature=$(echo "$PWD"; cat .venv/setup-stamp)
if [ "$signature" != "$(cat $build/signature 2>/dev/null)" ]; then
  echo "build: configuring $build"
  cmake --fresh --preset default -DJETLAG_PYTHON=ON -DPython_EXECUTABLE="$python" \
    >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
  echo "$signature" >$build/signature
fi

cmake --build $build --parallel "${JOBS:-$(tools/jobs.sh)}" ${1:+--target "$@"}

# Python imports the package from python/, so the extension modules appear there.
for name in _call _core; do
  module=$(find "$PWD/$build/python" -name "$name*.so" -print -quit)
  if [ -z "$module" ]; then
    echo "build: $build/python has no $name module" >&2
    exit 1
  fi
  ln -sfnr "$module" "python/jetlag/$(basename "$module")"
done

# The command, for which functions of Python files are read by the Python of .venv.
rm -f .venv/bin/jetlag
cat >.venv/bin/jetlag <<END
#!/bin/sh
export JETLAG_PYTHON="\${JETLAG_PYTHON:-$python}"
exec "$PWD/$build/src/jetlag" "\$@"
END
chmod +x .venv/bin/jetlag

# What an installed package leaves as well: its name and version, which jetlag.__version__ reads.
site=$("$python" -c 'import site; print(site.getsitepackages()[0])')
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' $build/CMakeCache.txt)
mkdir -p "$site/jetlag-dev.dist-info"
printf 'Metadata-Version: 2.1\nName: jetlag\nVersion: %s\n' "$version" \
  >"$site/jetlag-dev.dist-info/METADATA"
