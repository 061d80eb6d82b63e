#!/usr/bin/env bash
# Run the tests against the lower bounds of setup.cfg, in an environment of its own.
# torch is the exception: its older CPU builds cannot be had from the registry of
# the machines that we test on, so constraints.txt gives its version.
# pyarrow, of the test extra, is lowest too: the newest refuses the lowest NumPy.
# Older libraries warn of things long settled; here a warning is no error.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 .ci/lower_bounds.py setup.cfg >"$scratch/lowest.txt"
grep '^torch==' constraints.txt >>"$scratch/lowest.txt"
sed -n 's/^ *pyarrow>=/pyarrow==/p' setup.cfg >>"$scratch/lowest.txt"
cat "$scratch/lowest.txt"
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q -c "$scratch/lowest.txt" -e ".[dask,notes,optuna,plot,ray,test]"
# Of no extra: it asks for pyaudio, which needs PortAudio's headers and which notes do not need.
"$scratch/venv/bin/pip" install -q --no-deps "$(grep '^tinysoundfont==' constraints.txt)"
"$scratch/venv/bin/pytest" -o filterwarnings=default "$@"
