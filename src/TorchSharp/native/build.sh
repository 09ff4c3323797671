#!/usr/bin/env bash
# build.sh FOLDER: builds libTorchSharpNative.so into FOLDER; says in one sentence what is missing.
set -euo pipefail
source_folder=$(cd "$(dirname "$0")" && pwd)
output=$1
fail() { echo "TorchSharp native : error : $1" >&2; exit 1; } # the form in which MSBuild knows an error

command -v cmake >/dev/null || fail "cmake is missing: apt-get install cmake"
command -v c++ >/dev/null || fail "a C++ compiler is missing: apt-get install g++"

# cmake would take the system's libtorch in silence where the one that is asked for is not there.
[ -z "${LIBTORCH:-}" ] || [ -n "$(find -L "$LIBTORCH" -name TorchConfig.cmake -print -quit 2>/dev/null)" ] \
  || fail "LIBTORCH=$LIBTORCH has no TorchConfig.cmake below it: set it to libtorch's CMake prefix"
prefix=${LIBTORCH:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true)}
mkdir -p "$output"
log=$output/build.log
exec 9>"$output/lock"; flock 9 # two builds at once would write the same files

cmake -S "$source_folder" -B "$output/build" ${prefix:+-DCMAKE_PREFIX_PATH="$prefix"} >"$log" 2>&1 || {
  grep -q 'Could not find a package configuration file provided by "Torch"' "$log" \
    && fail "libtorch is missing: apt-get install libtorch-dev libopenblas0-openmp (or set LIBTORCH to its CMake prefix)"
  cat "$log" >&2
  fail "cmake could not configure the native library (see above)"
}
cmake --build "$output/build" >>"$log" 2>&1 || { grep -E 'error' "$log" >&2; fail "the native library does not compile: $log"; }
cp "$output/build/libTorchSharpNative.so" "$output/libTorchSharpNative.so.new"
mv "$output/libTorchSharpNative.so.new" "$output/libTorchSharpNative.so" # a running process keeps its old file
