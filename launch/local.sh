#!/usr/bin/env bash
# Train in N processes on this machine's CPU, connected like those of N hosts: a rehearsal of training on several hosts.
#
#   launch/local.sh N OPTIONS...        e.g. launch/local.sh 2 --config=tiny --layout.fsdp 8
#
# OPTIONS are those of python -m tanuki_jax.train; the same command resumes the run. Environment variables (defaults):
#   DEVICES  virtual devices of each process (8 / N)
#   PYTHON   the interpreter that has tanuki_jax (python)
#   RESTARTS number of times that all processes are started again after a failure (0)
#
# Each line of output begins with the number of its process. Signals are passed on to all processes: at Ctrl-C and
# SIGTERM they save and exit, at SIGUSR1 they save and continue. If one process fails, the others would wait for it, so
# they are killed after five seconds. The exit code is that of the first failure, unless any process ended with 2
# (refused) or 3 (stopped by spikes): both would happen again, so the processes are not restarted and the script ends
# with that code. All codes are in tanuki_jax/base/errors.py.
#
# Python orders sets of strings differently in each process. If such an order entered a traced program, the hosts would
# compile different programs. PYTHONHASHSEED is therefore not set: the rehearsal should fail too.
set -euo pipefail

fail() {
    printf 'launch/local.sh: %s\n' "$*" >&2
    exit 2
}

count=${1:-}
[[ $count =~ ^[1-9][0-9]*$ ]] || fail "the first argument should be the number of processes, not '$count'"
shift
devices=${DEVICES:-$((8 / count))}
[[ $devices =~ ^[1-9][0-9]*$ ]] ||
    fail "'$devices' is not a number of devices for each of $count processes; set DEVICES (default: 8 / N)"
restarts=${RESTARTS:-0}
[[ $restarts =~ ^[0-9]+$ ]] || fail "RESTARTS should be a number of restarts, not '$restarts'"
python=${PYTHON:-python}
command -v "$python" >/dev/null || fail "there is no program $python; set PYTHON to the interpreter that has tanuki_jax"

export JAX_PLATFORMS=cpu JAX_NUM_PROCESSES=$count
export XLA_FLAGS="${XLA_FLAGS:-} --xla_force_host_platform_device_count=$devices"
export NPROC="${NPROC:-$((4 * devices))}" # threads of XLA's pool: a device that waits in two collectives occupies two

run() {
    trap : INT TERM # the training handles these signals, and this shell waits until it ends
    trap '' USR1    # ignored until the training installs its handler: the default action would end it
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

set -m # a process group for each process: a terminal's Ctrl-C reaches only this script, which passes it on once

# Start all processes and wait until they end; set `first` to the exit code of the failure, or 0.
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
        wait $! || true # sleeps in the background, so that a signal is passed on immediately
    done
}

attempt "$@"
while ((first && restarts)) && ! final "$first" && [[ ! $stopped ]]; do
    restarts=$((restarts - 1))
    echo "launch/local.sh: ended with code $first; resuming from the newest checkpoint"
    attempt "$@"
done
exit "$first"
