#!/bin/sh
# Make the virtual environment FOLDER with tanuki_jax (editable), the extras EXTRAS and the versions of constraints.txt.
#
#   launch/environment.sh FOLDER EXTRAS [REQUIREMENT]        e.g. launch/environment.sh .venv dev
#
# A REQUIREMENT such as jax==0.11.2 replaces all constraints whose names begin with its name (jax and jaxlib).
# Nothing is done if FOLDER was made from the same pyproject.toml and constraints.txt.
# The script looks for Python >= 3.12 (uv, pyenv, PATH), and installs with uv if it runs, else with pip.
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

# A pyenv shim named uv can exist and still fail under this folder's .python-version, so uv is run, not only looked up.
uv_runs() {
    uv --version >/dev/null 2>&1
}

candidates() {
    if uv_runs; then uv python find --system --no-python-downloads 3.12 2>/dev/null || true; fi
    if command -v pyenv >/dev/null; then ls "$(pyenv root)"/versions/3.*/bin/python 2>/dev/null || true; fi
    printf '%s\n' python3.12 python3.13 python3.14 python3 python
}

# Whether the environment was made elsewhere: the first line of each of its programs names the folder of its Python.
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
    [ -n "$base" ] || fail "no Python >= 3.12 in uv, in pyenv, or on the PATH as python3.12, python3 or python." \
        "Install one (uv python install 3.12, or pyenv install 3.12, or your system's python3.12 and python3.12-venv)" \
        "and run this script again."
    if [ -e "$folder/pyvenv.cfg" ]; then rm -r "$folder"; fi
    if uv_runs; then uv venv --quiet --python "$base" "$folder"; else "$base" -m venv --without-pip "$folder"; fi
}

install() {
    if uv_runs; then
        uv pip install --quiet --python "$python" "$@"
    else
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null 2>&1 ||
            fail "packages cannot be installed: uv does not run, and $folder has neither pip nor ensurepip." \
                "Install uv, or your system's package of Python's venv module (python3.12-venv on Debian and Ubuntu)" \
                "and run this script again."
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
