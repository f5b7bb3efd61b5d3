#!/usr/bin/env bash
#===- bootstrap.sh - From a bare Debian 12 to a running flowc ------------===//
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===//
#
#   tools/bootstrap.sh setup   install the packages that flowc needs
#   tools/bootstrap.sh build   setup, then compile; binaries land in build/bin
#   tools/bootstrap.sh test    build, then run the whole test suite
#   tools/bootstrap.sh package build, then make a Debian package, and an archive and a Python
#                              wheel for any Linux with LLVM inside, in build/package
#   tools/bootstrap.sh demo    build the tool alone, then train a flow on the galaxy
#                              catalogue, sample from it, draw the result and write
#                              a report (build/demo)
#
# Everything comes from Debian's own repositories, but for Python packages that tests
# and the wheel need and Debian 12 lacks: they come from PyPI, into a folder of the
# build. What is installed already is left alone, so that a second run needs neither
# the network nor root. Steps can be repeated at will.
#
#===----------------------------------------------------------------------===//

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PACKAGES=(
  # LLVM and MLIR, and the compiler and linker of the same release.
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22 libclang-rt-22-dev
  # Libraries.
  libgtest-dev libgmock-dev libeigen3-dev libtbb-dev libcli11-dev nlohmann-json3-dev libcairo2-dev zlib1g-dev
  # Building and testing.
  cmake ninja-build ccache g++ pkg-config python3 python3-numpy
  # Packing.
  dpkg-dev file
)

# A browser that looks at reports in tests (300 MB on the disk), what runs objects for AArch64 (100 MB), and
# what makes a folder for packages of PyPI and modules of Python: what needs them is left out without them.
readonly BROWSER_PACKAGES=(chromium-headless-shell)
readonly EMULATOR_PACKAGES=(qemu-user)
readonly PYTHON_PACKAGES=(python3-venv python3-dev)
# A client of language servers; what builds the Python package; what it is tested with, FlowJAX among it.
readonly PYPI_PACKAGES=(pygls==2.1.1
  nanobind==3.1.0 scikit-build-core==1.1.2 wheel==0.48.0
  pytest==9.2.0 numpy==2.4.6 scikit-learn==1.9.1 pandas==3.1.1 numba==0.68.1
  flowjax==19.1.2 equinox==0.13.8 paramax==0.0.5 jax==0.10.2
  onnx==1.23.2 onnxruntime==1.32.0)
readonly TEST_PYTHON=build/test/python

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'bootstrap.sh: %s\n' "$*" >&2
  exit 1
}

# Of these packages those that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing packages needs root: run 'tools/bootstrap.sh setup' as root first"
  fi
}

setup() {
  command -v dpkg-query >/dev/null || fail "this script installs Debian packages; on another system see README.md"
  local missing
  missing=$(missing_packages "${PACKAGES[@]}")
  if [ -z "$missing" ]; then
    say "All packages are installed"
    return
  fi
  say "Installing" $missing
  as_root apt-get update -q
  # Recommended packages of these would fill another gigabyte.
  # shellcheck disable=SC2086 # one word per package
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing ||
    fail "apt-get failed; LLVM 22 is in Debian 12 (bookworm), main and security: are both in /etc/apt/sources.list?"
}

# Installs packages of Debian that something can do without; says what is left out if that fails.
setup_optional() {
  local without=$1
  shift
  [ -n "$(missing_packages "$@")" ] || return 0
  say "Installing $*"
  # (In a shell of its own: without root this ends there.)
  (as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@") ||
    say "$* could not be installed: $without"
}

# A Python with what tests and the Python package need, for CMake to find.
setup_python() {
  local without="the Python package, and the session of a client with the language server, are left out"
  setup_optional "$without" "${PYTHON_PACKAGES[@]}"
  "$TEST_PYTHON/bin/python" -c 'import pygls, nanobind, scikit_build_core, wheel, pytest, numpy, sklearn, pandas, numba, flowjax, onnxruntime' \
    2>/dev/null && return
  say "Installing ${PYPI_PACKAGES[*]} into $TEST_PYTHON"
  (/usr/bin/python3 -m venv "$TEST_PYTHON" && "$TEST_PYTHON/bin/pip" install --quiet "${PYPI_PACKAGES[@]}") ||
    say "They could not be installed: $without"
}

# Heavy files need up to 0.7 GB each: one job for a processor and a gigabyte.
build_jobs() {
  local processors gigabytes
  processors=$(nproc)
  gigabytes=$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  if [ "$gigabytes" -lt 1 ]; then gigabytes=1; fi
  echo $((processors < gigabytes ? processors : gigabytes))
}

# Compiles all targets, or those that are named.
build() {
  setup
  say "Building"
  # What ccache must overlook to find objects that use precompiled headers, and what spares it
  # a second run of the preprocessor and reading those headers for each file.
  export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 CCACHE_INODECACHE=1
  cmake --preset default
  cmake --build build -j "$(build_jobs)" ${1:+--target "$@"}
}

run_tests() {
  setup
  setup_optional "tests of pages in a browser are left out" "${BROWSER_PACKAGES[@]}"
  setup_optional "objects for other machines are made, but not run" "${EMULATOR_PACKAGES[@]}"
  setup_python
  build
  say "Testing"
  ctest --test-dir build --output-on-failure -j "$(nproc)"
}

package() {
  setup
  setup_python
  build
  say "Packing"
  cmake --build build --target archive
  if cmake --build build --target help | grep -q '^wheel:'; then
    cmake --build build --target wheel
  fi
  (cd build && cpack)
  ls -sh build/package/flowc*
}

demo() {
  build flowc
  local start out=build/demo data=test/data/galaxies.csv
  start=$(date +%s)
  mkdir -p "$out"
  cat >"$out/galaxies.flow" <<'FLOW'
# p(redshift and six magnitudes) of simulated galaxies.
flow galaxies = coupling_flow(
    base_dist = standard_normal([7]),
    transformer = rational_quadratic_spline(knots = 8, interval = 4),
    nn_width = 50)
FLOW
  # One row in ten is kept from training.
  awk 'NR == 1 || NR % 10 != 0' "$data" >"$out/train.csv"
  awk 'NR == 1 || NR % 10 == 0' "$data" >"$out/test.csv"

  say "Training a spline coupling flow on $(($(wc -l <"$out/train.csv") - 1)) galaxies"
  build/bin/flowc train "$out/galaxies.flow" --data "$out/train.csv" -o "$out/galaxies.safetensors"

  say "Scoring $(($(wc -l <"$out/test.csv") - 1)) galaxies it has not seen"
  build/bin/flowc log-prob "$out/galaxies.safetensors" "$out/test.csv" -o "$out/log_prob.csv"
  awk -F, '$1 + 0 == $1 { sum += $1; ++n }
           END { if (!n) exit 1; printf "test log-likelihood: %.4f nats per galaxy\n", sum / n }' "$out/log_prob.csv"

  say "Drawing 100,000 samples"
  build/bin/flowc sample "$out/galaxies.safetensors" -n 100000 --seed 1 -o "$out/samples.csv"
  build/bin/flowc plot "$out/galaxies.safetensors" "$data" -o "$out/galaxies.svg"

  build/bin/flowc report "$out/galaxies.safetensors" "$out/test.csv" -o "$out/report.html"

  say "Done in $(($(date +%s) - start)) s: $out/galaxies.svg shows data against samples, $out/samples.csv holds them, \
$out/report.html says how good the flow is"
}

case "${1:-}" in
setup) setup ;;
build) build ;;
test) run_tests ;;
package) package ;;
demo) demo ;;
*)
  sed -n '/^#   tools/,/^#$/p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'
  exit 1
  ;;
esac
