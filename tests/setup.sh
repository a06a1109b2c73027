# SPDX-License-Identifier: MIT
# Sourced by experiments/quickstart.sh and tests/run.sh: what a bare machine needs, and a
# build. Sets nothing but functions.

packages=(
  g++ cmake ninja-build
  libxtensor-dev libxtensor-blas-dev libxsimd-dev libopenblas-dev
  libboost-dev libboost-program-options-dev libtomlplusplus-dev nlohmann-json3-dev
  librandom123-dev libfmt-dev zlib1g-dev libssl-dev dataset-fashion-mnist
  libgtest-dev libgmock-dev libbenchmark-dev libjs-dygraphs python3
)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      echo "$package"
  done
}

# Installs what is missing; says nothing when nothing is.
install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "This script installs Debian packages, and there is no apt here. Needed are:" >&2
    printf '  %s\n' "${packages[@]}" >&2
    exit 2
  fi
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] && return
  echo "installing: ${missing[*]}" >&2
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "not root and no sudo: install these first: ${missing[*]}" >&2
      exit 2
    }
    as_root=(sudo)
  fi
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -q &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
           apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "the packages could not be installed" >&2
    exit 1
  fi
  rm -f "$log"
}

# What the browser tests need: a browser, node and the packages in tests/report.
install_browser_tests() {
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
  packages+=(chromium)
  install_packages
  [ -d tests/report/node_modules ] || npm ci --prefix tests/report --no-audit --no-fund >&2
}

# build PRESET TARGET...: configures, and builds what changed.
build() {
  local preset=$1
  shift
  [ -f "build/$preset/build.ninja" ] || echo "configuring build/$preset" >&2
  cmake --preset "$preset" >/dev/null
  echo "building build/$preset" >&2
  cmake --build "build/$preset" --target "$@" >&2
}
