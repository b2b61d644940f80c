#!/bin/sh
# Lay out one process: assemble.sh PROCESS APP VENV. Its code and the chassis in APP, byte code compiled, and in VENV/bin
# the two commands of the image: `process`, which runs it, and `healthy`, which exits 0 while it serves.
set -eu
process=$1 app=$2 venv=$3

case $process in
gateway) code=gateway target=http://127.0.0.1:8080/readyz ;;
auth | users | tasks | notify) code=services/$process target=127.0.0.1:50051 ;;
*) echo "PROCESS is gateway, auth, users, tasks or notify, not '$process'" >&2 && exit 2 ;;
esac

mkdir -p "$app/$(dirname "$code")"
cp -R chassis "$app/chassis"
cp -R "$code" "$app/$code"
[ "$code" = gateway ] || cp services/__init__.py "$app/services/"
find "$app" -depth -type d \( -name tests -o -name testing -o -name __pycache__ \) -exec rm -r {} +

script() { # script NAME MODULE ARGUMENTS: an executable that runs the module with these arguments before its own
    cat >"$venv/bin/$1" <<PYTHON
#!$venv/bin/python
import runpy
import sys

sys.argv[1:1] = "$3".split()
runpy.run_module("$2", run_name="__main__", alter_sys=True)
PYTHON
    chmod 755 "$venv/bin/$1"
}
script process "$(echo "$code" | tr / .)" ""
script healthy chassis.rpc.probe "$target"

"$venv/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$app" "$venv/lib"
