#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds the release, runs the recipe four-families and ends with
# the path of a page of its results. Options go to the run: experiments/quickstart.sh --jobs 2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/setup.sh

install_packages
build release batchlab
build/release/batchlab reproduce four-families "$@"

# The page stands with the runs, wherever --out has put them.
out=results/runs
previous=
for argument in "$@"; do
  case $argument in
    --out=*) out=${argument#--out=} ;;
    --dry-run | --help | -h | --print | --list) exit 0 ;;
    *) if [ "$previous" = --out ]; then out=$argument; fi ;;
  esac
  previous=$argument
done
build/release/batchlab report "$out/four-families" --out "$out/four-families/report.html"
