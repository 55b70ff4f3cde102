#!/usr/bin/env bash
# Trains in N processes on this machine's CPU that find each other as those of N hosts would: what crosses hosts, tried at home.
#
#   launch/local.sh N WORDS...        e.g. launch/local.sh 2 --config=tiny --layout.fsdp 8
#
# WORDS are those of python -m tanuki_jax.train; the same command goes on with the run.
#   DEVICES  virtual devices of each process (8 / N)
#   PYTHON   the interpreter that has tanuki_jax (python)
#   RESTARTS times that all processes are started again after a failure (0)
#
# A line of output begins with the number of its process. Ctrl-C and SIGTERM are passed on to all processes, which save and leave, and
# SIGUSR1, at which they save and go on. When one fails, the others have five seconds to end by themselves and are killed then: they would
# wait for it. The exit code is the first failure's, but 2 or 3 where any ended with that: refused in a sentence, or stopped by spikes, as it
# would be the next time, so that it is not started again. All codes are in tanuki_jax/base/errors.py.
#
# Python orders sets of strings differently in each process. A program that is traced from such an order is not the same program everywhere;
# so nothing here seeds it (PYTHONHASHSEED): what is wrong with several hosts is to fail here.
set -euo pipefail

fail() {
    printf 'launch/local.sh: %s\n' "$*" >&2
    exit 2
}

count=${1:-}
[[ $count =~ ^[1-9][0-9]*$ ]] || fail "the first word is the number of processes, not '$count'"
shift
devices=${DEVICES:-$((8 / count))}
[[ $devices =~ ^[1-9][0-9]*$ ]] || fail "each of $count processes would have '$devices' of 8 devices; DEVICES says how many it has"
restarts=${RESTARTS:-0}
[[ $restarts =~ ^[0-9]+$ ]] || fail "RESTARTS is the number of times to start again, not '$restarts'"
python=${PYTHON:-python}
command -v "$python" >/dev/null || fail "there is no program $python; PYTHON names the interpreter that has tanuki_jax"

export JAX_PLATFORMS=cpu JAX_NUM_PROCESSES=$count
export XLA_FLAGS="${XLA_FLAGS:-} --xla_force_host_platform_device_count=$devices"
export NPROC="${NPROC:-$((4 * devices))}" # threads of XLA's pool: a device that waits in two collectives at once takes two

run() {
    trap : INT TERM # the process answers signals; this shell waits for its answer
    trap '' USR1    # which would end a process that has not come to its answer yet
    { JAX_PROCESS_ID=$1 exec "$python" -m tanuki_jax.train --distributed "${@:2}"; } 2>&1 </dev/null |
        (trap '' INT TERM && exec sed -u -e '/^\[Gloo] Rank/d' -e "s/^/$1: /")
}

final() { (($1 == 2 || $1 == 3)); }

running=()
stopped=
pass_on() { for group in "${running[@]}"; do kill "-$1" -- "-$group" 2>/dev/null || true; done; }
trap 'stopped=yes; pass_on INT' INT
trap 'stopped=yes; pass_on TERM' TERM
trap 'pass_on USR1' USR1

set -m # every process in a group of its own: a terminal's Ctrl-C reaches this script alone, which passes it on once

# Starts all processes and waits for their end; says in `first` with which code they failed.
attempt() {
    port=$("$python" -c 'import socket; s = socket.create_server(("", 0)); print(s.getsockname()[1])')
    export JAX_COORDINATOR_ADDRESS=localhost:$port
    for ((number = 0; number < count; number++)); do
        run "$number" "$@" &
        running+=($!)
    done
    first=0
    while ((${#running[@]})); do
        for number in "${!running[@]}"; do
            if kill -0 "${running[number]}" 2>/dev/null; then continue; fi
            code=0
            wait "${running[number]}" || code=$?
            unset "running[$number]"
            if ((code && !first)); then patience=$((SECONDS + 5)); fi
            if ((code && !first)) || { final "$code" && ! final "$first"; }; then first=$code; fi
        done
        if ((first && SECONDS >= patience)); then pass_on KILL; fi
        sleep 0.2 >/dev/null 2>&1 &
        wait $! || true # in the background, so that a signal is passed on at once
    done
}

attempt "$@"
while ((first && restarts)) && ! final "$first" && [[ ! $stopped ]]; do
    restarts=$((restarts - 1))
    echo "launch/local.sh: ended with code $first; going on from the newest checkpoint"
    attempt "$@"
done
exit "$first"
