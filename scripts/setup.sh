#!/bin/sh
# Makes .venv with exactly the locked packages: by uv where it is there, else by the Python and pip at hand.
set -eu
cd "$(dirname "$0")/.."

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

recent_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if recent "$name"; then
            printf '%s' "$name"
            return
        fi
    done
}

by_uv() {
    recent .venv/bin/python || uv venv --quiet --clear --python '>=3.11' .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r requirements.txt
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
}

by_pip() {
    if ! recent .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        python=$(recent_python)
        [ -n "$python" ] || stop "attendlib needs Python 3.11 or newer; none was found. Install one, or uv (docs.astral.sh/uv)."
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            stop "$python cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv"
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

if uv --version >/dev/null 2>&1; then by_uv; else by_pip; fi
touch .venv/.ready
