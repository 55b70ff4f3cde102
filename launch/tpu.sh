#!/usr/bin/env bash
# Train on all hosts of a Cloud TPU slice, from a machine that has gcloud, and restart after failures.
#
#   launch/tpu.sh SLICE ZONE OPTIONS...        e.g. launch/tpu.sh tanuki us-east5-a --config=8b --layout.fsdp 16
#
# SLICE has to exist (gcloud compute tpus tpu-vm create, or a queued resource). OPTIONS are those of
# python -m tanuki_jax.train. Environment variable (default):
#   SHARED   a folder that all hosts see (Filestore, or a bucket through gcsfuse), with the repository, its .venv
#            (launch/environment.sh .venv tpu), data and runs (/mnt/tanuki)
#
# One process a host, as a TPU's driver requires: it drives all chips of its host. JAX finds the other hosts in the
# slice's metadata. XLA's flags are libtpu's defaults, which overlap collectives with computation. At Ctrl-C the run
# saves and exits.
set -euo pipefail

fail() {
    printf 'launch/tpu.sh: %s\n' "$*" >&2
    exit 2
}

(($# >= 3)) || fail "give a slice, its zone, and options of python -m tanuki_jax.train"
command -v gcloud >/dev/null || fail "there is no program gcloud, which connects to the hosts of a slice; install it"
slice=$1 zone=$2
shift 2
shared=${SHARED:-/mnt/tanuki}

on_all_hosts() { gcloud compute tpus tpu-vm ssh "$slice" --zone="$zone" --worker=all --command="$1"; }

# [t] keeps pkill from matching the shell that runs it, whose command line has this pattern too.
signal_training() { on_all_hosts "pkill -$1 -f '[t]anuki_jax.train' || true"; }

train="cd $(printf %q "$shared") && JAX_COMPILATION_CACHE_DIR=\$PWD/.cache/jax"
train+=" exec .venv/bin/python -m tanuki_jax.train --distributed"
for word in "$@"; do train+=" $(printf %q "$word")"; done

stopped=
trap 'stopped=yes; signal_training TERM' INT TERM
set -m # a terminal's Ctrl-C reaches only this script, and not the connection that shows the last output of the run

quick=0
while true; do
    signal_training KILL # processes left by an earlier attempt would keep the chips
    begun=$SECONDS
    on_all_hosts "$train" &
    code=0
    wait $! || code=$?
    if [[ $stopped ]]; then
        wait || true # the first wait returned at the signal
        exit 0
    fi
    # 0: finished; 2: refused (InputError); 3: stopped by spikes. 2 and 3 would happen again. tanuki_jax/base/errors.py
    if ((code == 0 || code == 2 || code == 3)); then exit "$code"; fi
    # Three failures in a row within ten minutes each are not a host's fault.
    if ((SECONDS - begun > 600)); then quick=0; else quick=$((quick + 1)); fi
    if ((quick == 3)); then exit "$code"; fi
    echo "launch/tpu.sh: ended with code $code; resuming from the newest checkpoint"
    sleep 10
done
