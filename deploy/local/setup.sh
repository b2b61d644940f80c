#!/bin/sh
# Make .venv from requirements.lock (`make setup`), from the root of the checkout. A second call does nothing; a changed
# lock, another PYTHON or an interrupted call makes it go on.
set -eu
venv=.venv
stamp=$venv/.ready

usable() { # usable PYTHON: does it run at all (a pyenv shim may not), and in the right version?
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() { # Every match on PATH, not the first alone: a shim may hide a Python that works.
    for name in python3.13 python3.12 python3.11 python3 python; do
        old_ifs=$IFS
        IFS=:
        for folder in $PATH; do
            if [ -x "$folder/$name" ] && usable "$folder/$name"; then
                IFS=$old_ifs
                echo "$folder/$name"
                return
            fi
        done
        IFS=$old_ifs
    done
    return 1
}

fail() {
    echo "$1" >&2
    exit 1
}

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
as_asked() { [ -z "${PYTHON:-}" ] || [ "$(version "$venv/bin/python")" = "$(version "$PYTHON")" ]; }

if [ -n "${PYTHON:-}" ]; then
    usable "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13. Without Python: docker compose up"
fi
wanted=$(cksum requirements.lock protos/pyproject.toml)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && usable "$venv/bin/python" && as_asked; then
    exit 0
fi

python=${PYTHON:-$(find_python)} ||
    fail "No Python 3.11, 3.12 or 3.13 on PATH. Install one, name one with PYTHON=…, or use: docker compose up"
rm -f "$stamp"
number=$(version "$python")

has_pip() { "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; }
if ! has_pip || ! as_asked; then
    echo "Making $venv with $python (Python $number)"
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
        fail "$python has no venv module. On Debian and Ubuntu: apt install python$number-venv"
    "$python" -m venv --clear "$venv"
fi

echo "Installing what requirements.lock lists"
export PIP_DISABLE_PIP_VERSION_CHECK=1
tools=$venv/uv.txt
awk '/^[a-z]/ { chosen = /^uv==/ } chosen' requirements.lock >"$tools"
# uv takes 4 s where pip takes 45. Where uv cannot reach what pip is configured for, pip does it.
if "$venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r "$tools" &&
    "$venv/bin/uv" pip sync --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes requirements.lock; then
    :
else
    echo "uv could not do it; pip tries, which takes longer" >&2
    "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements.lock
fi
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e protos
echo "$wanted" >"$stamp"
echo "Ready: $venv"
