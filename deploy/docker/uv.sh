#!/bin/sh
# Install uv, the one tool a build needs, at the version and with the hashes of requirements.lock.
set -eu
awk '/^[a-z]/ { chosen = /^uv==/ } chosen' requirements.lock >/tmp/uv.lock
python -m pip install --quiet --no-deps --require-hashes --root-user-action=ignore --requirement /tmp/uv.lock
rm /tmp/uv.lock
