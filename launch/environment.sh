#!/bin/sh
# Makes the virtual environment FOLDER with tanuki_jax in it, editable, with the given extras, in the versions of constraints.txt.
#
#   launch/environment.sh FOLDER EXTRAS [REQUIREMENT]        e.g. launch/environment.sh .venv dev
#
# A REQUIREMENT such as jax==0.11.2 takes the place of the constraints whose names begin like its own.
# Does nothing when FOLDER was made from the same pyproject.toml and constraints.txt.
# Finds a Python >= 3.12 by itself (uv, pyenv, PATH) and installs with uv if that runs here, else with pip.
set -eu
cd "$(dirname "$0")/.."
folder=$1
extras=$2
requirement=${3:-}
python="$folder/bin/python"

fail() {
    printf 'launch/environment.sh: %s\n' "$*" >&2
    exit 2
}

made_from() {
    printf '%s\n' "$PWD" "$extras" "$requirement"
    cat pyproject.toml constraints.txt
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

# A pyenv shim named uv may exist and still refuse to run under this folder's .python-version.
uv_runs() {
    uv --version >/dev/null 2>&1
}

candidates() {
    if uv_runs; then uv python find --system --no-python-downloads 3.12 2>/dev/null || true; fi
    if command -v pyenv >/dev/null; then ls "$(pyenv root)"/versions/3.*/bin/python 2>/dev/null || true; fi
    printf '%s\n' python3.12 python3.13 python3.14 python3 python
}

# The programs in an environment name its folder in their first line.
moved() {
    [ -e "$folder/made_from" ] && [ "$(head -n 1 "$folder/made_from")" != "$PWD" ]
}

first_new_enough() {
    candidates | while IFS= read -r candidate; do
        if new_enough "$candidate"; then
            echo "$candidate"
            break
        fi
    done
}

make_environment() {
    base=$(first_new_enough)
    if [ -z "$base" ] && uv_runs; then base=$(uv python install 3.12 && uv python find 3.12) || true; fi
    [ -n "$base" ] || fail "tanuki_jax needs Python >= 3.12, and there is none in uv, in pyenv, or on the PATH as python3.12, python3 or python." \
        "Install one (uv python install 3.12, or pyenv install 3.12, or your system's python3.12 and python3.12-venv) and run this again."
    if [ -e "$folder/pyvenv.cfg" ]; then rm -r "$folder"; fi
    if uv_runs; then uv venv --quiet --python "$base" "$folder"; else "$base" -m venv --without-pip "$folder"; fi
}

install() {
    if uv_runs; then
        uv pip install --python "$python" "$@"
    else
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1 ||
            fail "there is nothing to install packages with: uv does not run here, and $folder has neither pip nor ensurepip." \
                "Install uv, or your system's package for Python's venv module (python3.12-venv on Debian and Ubuntu), and run this again."
        "$python" -m pip install --quiet --quiet --no-compile --disable-pip-version-check "$@"
    fi
}

if made_from | cmp -s - "$folder/made_from" && new_enough "$python"; then exit 0; fi
if moved || ! new_enough "$python"; then make_environment; fi
echo "launch/environment.sh: installing into $folder ($("$python" --version)); this takes minutes the first time"
if [ -n "$requirement" ]; then
    grep -v "^${requirement%%[=<>]*}" constraints.txt >"$folder/constraints.txt"
    install --editable ".[$extras]" --constraint "$folder/constraints.txt" "$requirement"
else
    install --editable ".[$extras]" --constraint constraints.txt
fi
made_from >"$folder/made_from.part"
mv "$folder/made_from.part" "$folder/made_from"
