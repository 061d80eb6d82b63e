#!/usr/bin/env bash
# Run the tests against other versions than those of constraints.txt, in an environment of its own:
#   bash .ci/versions.sh lowest [pytest arguments]   the lower bounds of setup.cfg
#   bash .ci/versions.sh newest [pytest arguments]   whatever the registry has today
# torch is the exception in both: its older CPU builds cannot be had from the registry of
# the machines that we test on, and its newest brings CUDA, so constraints.txt gives its version.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:?lowest or newest}
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

grep '^torch==' constraints.txt >"$scratch/pins.txt"
strictness=()
case $mode in
lowest)
    python3 .ci/lowest_pins.py setup.cfg >>"$scratch/pins.txt"
    # Of the test extra, lowest too: the newest refuses the lowest NumPy.
    sed -n 's/^ *pyarrow>=/pyarrow==/p' setup.cfg >>"$scratch/pins.txt"
    # Older libraries warn of things long settled; here a warning is no error.
    strictness=(-o filterwarnings=default)
    ;;
newest) ;;
*)
    printf 'versions.sh: %s is neither lowest nor newest\n' "$mode" >&2
    exit 2
    ;;
esac
cat "$scratch/pins.txt"
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q -c "$scratch/pins.txt" -e ".[dask,effects,notes,optuna,plot,ray,test]"
# Of no extra: it asks for pyaudio, which needs PortAudio's headers and which notes do not need.
"$scratch/venv/bin/pip" install -q --no-deps "$(grep '^tinysoundfont==' constraints.txt)"
printf 'Other than in constraints.txt:\n'
"$scratch/venv/bin/pip" freeze --exclude-editable | grep -vxFf constraints.txt || true
"$scratch/venv/bin/pytest" -n logical "${strictness[@]}" "$@"
