#!/bin/sh
# SPDX-License-Identifier: MIT
#
# manual.sh PROGRAM FILE: writes the manual page, made of the program's own help, so
# that the one is as true as the other.
set -eu
program=$1
page=$2

# Lines as they are: nothing in them means anything to troff.
as_is() {
  echo .nf
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/'/\\\\(aq/g" -e 's/`/\\(ga/g' \
    -e 's/\^/\\(ha/g' -e 's/~/\\(ti/g' -e 's/^\./\\\&./'
  echo .fi
}

# Of a command, then of each of its own: those that its help lists.
section() {
  help=$("$program" "$@" --help)
  echo ".SS batchlab $*"
  printf '%s\n' "$help" | as_is
  for own in $(printf '%s\n' "$help" | sed -n "s/^  $* \([a-z]\{1,\}\) .*/\1/p"); do
    section "$1" "$own"
  done
}

overview=$("$program" help)
first=$(printf '%s\n' "$overview" | head -n 1) # batchlab 0.1.0: which batch size...
commands=$(printf '%s\n' "$overview" |
  sed -n '/^usage:/,/--help tells more/ s/^  \([a-z]\{1,\}\) .*/\1/p')
if [ -z "$commands" ]; then
  echo "manual.sh: no commands in the help of $program" >&2
  exit 1
fi

{
  echo ".TH BATCHLAB 1 \"\" \"${first%%:*}\" \"User Commands\""
  echo ".SH NAME"
  echo "batchlab \\- ${first#*: }"
  echo ".SH SYNOPSIS"
  echo ".B batchlab"
  echo ".I COMMAND"
  echo "[arguments] [options]"
  echo ".SH DESCRIPTION"
  printf '%s\n' "$overview" | sed '1,/^usage:/ d' | as_is
  echo ".SH COMMANDS"
  for command in $commands; do section "$command"; done
} >"$page.new"
mv "$page.new" "$page"
