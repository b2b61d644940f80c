#!/bin/sh
# Install what one process needs and nothing else: install.sh PROCESS PYTHON, from the root of the checkout.
# The versions and hashes are those of requirements.lock; a package that it does not list, or lists otherwise, is refused.
set -eu
process=$1 python=$2
uv pip install --quiet --python "$python" --require-hashes --constraints requirements.lock --group "$process"
uv pip install --quiet --python "$python" --no-deps --build-constraints requirements.lock ./protos
