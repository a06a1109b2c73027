#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a recipe afresh, or measures steps, and writes the report to results/published/.
#
#   experiments/publish.sh four-families --seed 0,1,2,3,4   [options of batchlab reproduce]
#   experiments/publish.sh benchmark                        [arguments of batchlab bench]
#
# BATCHLAB: the program to use instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/setup.sh

name=${1:?usage: experiments/publish.sh RECIPE|benchmark [options]}
shift
most_page_bytes=1000000
runs=results/runs/published  # git ignores it; the page names it
if [ -z "${BATCHLAB:-}" ]; then
  install_packages
  build release batchlab
fi
# The kernels that OpenBLAS chooses by itself: a pinned one may halve the speed.
batchlab() {
  env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "${BATCHLAB:-build/release/batchlab}" "$@"
}

folder=results/published/$name
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

figures() {
  echo
  echo "## Figures"
  echo
  for figure in "$folder"/figures/*.svg; do
    echo "![$(basename "$figure" .svg)](figures/$(basename "$figure"))"
  done
  [ ! -f "$folder/report.html" ] || echo "
All of it is also [one page](report.html)."
}

publish_benchmark() {
  batchlab bench "$@" --report "$folder/report.html" --svg "$folder/figures" \
    --markdown >"$made/tables.md"
}

publish_recipe() {
  rm -rf "${runs:?}/$name"
  batchlab reproduce "$name" --out "$runs" "$@" >/dev/null
  batchlab report "$runs/$name" --out "$folder/report.html" --svg "$folder/figures" \
    --markdown "$runs/tables.md" --csv "$folder/comparison.csv" \
    --json "$folder/comparison.json" >/dev/null
  cp "$runs/tables.md" "$made/tables.md"
  local first
  first=$(ls -d "$runs/$name"/*/ | head -n 1)
  cp "$first/run.json" "$folder/first-run.json"
  cp "$first/config.json" "$folder/first-config.json"
}

# What else the machine did counts against the figures.
load=$(cut -d ' ' -f 1 /proc/loadavg)
rm -rf "$folder"
mkdir -p "$folder"
if [ "$name" = benchmark ]; then publish_benchmark "$@"; else publish_recipe "$@"; fi
[ "$(stat -c %s "$folder/report.html")" -le $most_page_bytes ] || rm "$folder/report.html"
{
  echo "# $name"
  echo
  echo "Made by \`experiments/publish.sh $name${*:+ $*}\` on $(nproc) cores; $load runnable processes in the"
  echo "minute before the start."
  echo
  [ ! -f "$folder/first-run.json" ] || echo "The machine is described in \`first-run.json\`, the configuration in \`first-config.json\`.
"
  cat "$made/tables.md"
  figures
} | cat -s >"$folder/README.md"
echo "written: $folder"
