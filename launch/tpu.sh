#!/usr/bin/env bash
# Trains on all hosts of a Cloud TPU slice, from a machine that has gcloud, and starts again after failures.
#
#   launch/tpu.sh SLICE ZONE WORDS...        e.g. launch/tpu.sh tanuki us-east5-a --config=8b --layout.fsdp 16
#
# SLICE exists (gcloud compute tpus tpu-vm create, or a queued resource). WORDS are those of python -m tanuki_jax.train.
#   SHARED   a folder that all its hosts see (Filestore, or a bucket through gcsfuse): the repository with .venv
#            (launch/environment.sh .venv tpu), data and runs (/mnt/tanuki)
#
# One process a host, which is what a TPU's driver allows: it has all chips of its host. JAX finds the others in the slice's metadata. XLA's
# flags are libtpu's own, which overlap collectives and computation already. Ctrl-C lets the run save and leave.
set -euo pipefail

fail() {
    printf 'launch/tpu.sh: %s\n' "$*" >&2
    exit 2
}

(($# >= 3)) || fail "the words are a slice, its zone, and those of python -m tanuki_jax.train"
command -v gcloud >/dev/null || fail "there is no gcloud here, which reaches the hosts of a slice"
slice=$1 zone=$2
shift 2
shared=${SHARED:-/mnt/tanuki}

on_all_hosts() { gcloud compute tpus tpu-vm ssh "$slice" --zone="$zone" --worker=all --command="$1"; }

# On a host the pattern matches the training alone, not the shell that says it.
tell() { on_all_hosts "pkill -$1 -f '[t]anuki_jax.train' || true"; }

train="cd $(printf %q "$shared") && JAX_COMPILATION_CACHE_DIR=\$PWD/.cache/jax exec .venv/bin/python -m tanuki_jax.train --distributed"
for word in "$@"; do train+=" $(printf %q "$word")"; done

stopped=
trap 'stopped=yes; tell TERM' INT TERM
set -m # a terminal's Ctrl-C comes to this script alone and leaves the connection, which shows the end of the run

quick=0
while true; do
    tell KILL # what an attempt left behind would keep the chips
    begun=$SECONDS
    on_all_hosts "$train" &
    code=0
    wait $! || code=$?
    if [[ $stopped ]]; then
        wait || true # the first wait returned at the signal
        exit 0
    fi
    # Finished; refused in a sentence, or stopped by spikes, as it would be the next time. All codes are in tanuki_jax/base/errors.py.
    if ((code == 0 || code == 2 || code == 3)); then exit "$code"; fi
    # What fails within ten minutes three times in a row is not a host's fault.
    if ((SECONDS - begun > 600)); then quick=0; else quick=$((quick + 1)); fi
    if ((quick == 3)); then exit "$code"; fi
    echo "launch/tpu.sh: ended with code $code; going on from the newest checkpoint"
    sleep 10
done
