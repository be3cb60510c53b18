#!/usr/bin/env bash
# Builds the program `hermes` from Hermes' sources (github.com/facebook/hermes, the branch of the release that React Native
# uses), for the tests that run core in it. Needs CMake, Ninja, Python and a C++ compiler; takes minutes of many cores.
# Use: scripts/build-hermes.sh SOURCES BUILD-FOLDER; then MILLET_HERMES=BUILD-FOLDER/bin/hermes npm test -- packages/backend-nnapi
set -euo pipefail
[ $# -eq 2 ] || { sed -n 2,4p "$0"; exit 2; }
cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHERMES_ENABLE_DEBUGGER=OFF -DHERMES_ENABLE_INTL=OFF \
  -DHERMES_ENABLE_TEST_SUITE=OFF
ninja -C "$2" hermes
"$2/bin/hermes" --version
