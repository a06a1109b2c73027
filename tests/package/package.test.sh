#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# package.test.sh BUILD: installs the build folder BUILD, and uses what is there as
# another project would.
set -euo pipefail
build=$(realpath "$1")
tests=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
unset CMAKE_PREFIX_PATH batchlab_DIR batchlab_ROOT

fail() {
  echo "package: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$prefix" >"$folder/log" ||
  fail "$(cat "$folder/log")"
cd "$folder"
batchlab=$prefix/bin/batchlab
env -i "$batchlab" reproduce --list >/dev/null || fail "the command does not run alone"
readelf -d "$batchlab" | grep -E '(RPATH|RUNPATH).*'"$build" &&
  fail "the command loads from the build folder"
source=${tests%/tests/package}
grep -rl -e "$build" -e "$source" -e -march --include='*.cmake' "$prefix" &&
  fail "these name the build folder, or the processor"

# The manual: every command, and nothing that the formatter warns of.
manual=$prefix/share/man/man1/batchlab.1
commands=$("$batchlab" help | sed -n '/^usage/,/--help tells/ s/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 10 ] || fail "the help names only these: $commands"
for command in $commands; do
  grep -q "^\.SS batchlab $command\$" "$manual" || fail "the manual lacks $command"
done
for words in "batchlab plugin check" "\\-\\-plugin\\-time\\-limit" "\\-\\-out DIR"; do
  grep -qF -- "$words" "$manual" || fail "the manual lacks $words"
done
if command -v man >/dev/null; then
  warnings=$(LC_ALL=C.UTF-8 man --warnings -l "$manual" 2>&1 >/dev/null)
  [ -z "$warnings" ] || fail "the manual: $warnings"
fi

# consume FOLDER OPTION: configures the consumer.
consume() {
  cmake -G Ninja -S "$tests/consumer" -B "$1" "$2" \
    -DEXAMPLE_IN_C="$tests/../experiments/plugins/example.c" >"$folder/log" 2>&1 ||
    fail "$(cat "$folder/log")"
}
consume "$folder/installed" -DCMAKE_PREFIX_PATH="$prefix"
cmake --build "$folder/installed" >"$folder/log" 2>&1 || fail "$(cat "$folder/log")"
ctest --test-dir "$folder/installed" --output-on-failure
shown=$(nm -D --defined-only "$folder/installed/seven.so" | awk '{ print $3 }')
[ "$shown" = batchlab_plugin ] || fail "seven.so shows more than its entry: $shown"

# The same from the build folder, by each of the two ways to name it.
consume "$folder/by-prefix" -DCMAKE_PREFIX_PATH="$build"
consume "$folder/by-folder" -Dbatchlab_DIR="$build"
cmake --build "$folder/by-folder" --target program seven >"$folder/log" 2>&1 ||
  fail "$(cat "$folder/log")"
"$folder/by-folder/program"
"$build/batchlab" plugin check "$folder/by-folder/seven.so"
