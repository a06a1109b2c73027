#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# new_user.test.sh BUILD: does what controllers/README.md tells a new user, word by
# word, from installing BUILD to the comparison of a controller with four built-in ones.
# Only the budget of the comparisons is cut.
set -euo pipefail
build=$(realpath "$1")
readme=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../controllers/README.md")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
unset CMAKE_PREFIX_PATH batchlab_DIR batchlab_ROOT BATCHLAB_PLUGIN_PATH

commands=$(awk '/^## /{ here = /^## A controller of your own/ }
                /^```$/{ code = 0 } here && code; /^```sh$/{ code = 1 }' "$readme")
for word in "cmake --install" "plugin new" "plugin check" "batchlab run" "python"; do
  grep -q -e "$word" <<<"$commands" || {
    echo "new_user: no \"$word\" in the commands of $readme" >&2
    exit 1
  }
done

mkdir -p "$folder/build" "$folder/home"
ln -s "$build" "$folder/build/release"
cd "$folder"
{
  echo 'set -euxo pipefail'
  cut_budget='sed -i "s/^budget = .*/budget = { examples = 3000 }/" */compare.toml'
  sed "/plugin new/ a $cut_budget" <<<"$commands"
} >commands.sh
HOME=$folder/home bash commands.sh

# Their folders as places of plugins: there is nothing else in them that would be one.
python=$folder/mine_too
(cd "$python" && PATH=$folder/home/batchlab/bin:$PATH python3 test.py >/dev/null)
export BATCHLAB_PLUGIN_PATH=$folder/mine/build:$folder/mine:$python
found=$("$folder/home/batchlab/bin/batchlab" plugin list | grep -c '^/')
[ "$found" -eq 2 ] || { echo "new_user: $found plugins instead of 2" >&2; exit 1; }
unset BATCHLAB_PLUGIN_PATH

# Five controllers, three seeds each, in C++ and in Python.
for name in mine mine_too; do
  runs=(results/runs/"$name"/*-seed[012])
  [ ${#runs[@]} -eq 15 ] || { echo "new_user: ${#runs[@]} runs of $name" >&2; exit 1; }
  grep -q '"status": "finished"' results/runs/$name/$name-seed0/run.json
done
# A rule is the same rule in either language.
for seed in 0 1 2; do
  cut -d, -f1-4 results/runs/mine/mine-seed$seed/decisions.csv >one
  cut -d, -f1-4 results/runs/mine_too/mine_too-seed$seed/decisions.csv >other
  diff one other
done
