#!/usr/bin/env bash
# Run a command beside a real SLURM of two nodes, both of which are this machine; afterwards SLURM is stopped.
#
#   tests/launch/two_nodes.sh python -m pytest -m slurm
#
# It needs root and the programs slurmctld, slurmd, sbatch and srun (Debian: slurm-wlm), but neither systemd nor munge
# nor cgroups nor an accounting database. Environment variables (defaults):
#   SLURM_PLUGINS  folder of SLURM's plugins, if the packages are unpacked rather than installed
#
# The first node has the name of this machine, because JAX connects its processes through the first node of a job. A
# node claims eight CPUs, so that jobs may ask for them. A job in the partition urgent takes the nodes of others: at once
# from jobs of the partition main, after fifteen seconds from those of patient.
set -euo pipefail

fail() {
    printf 'tests/launch/two_nodes.sh: %s\n' "$*" >&2
    exit 2
}

(($#)) || fail "a command should follow"
((EUID == 0)) || fail "the daemons of SLURM start processes of users, and so need root"
PATH=$PATH:/usr/sbin
controller=$(command -v slurmctld || command -v slurmctld-wlm) || fail "there is no slurmctld; install SLURM"
node=$(command -v slurmd || command -v slurmd-wlm) || fail "there is no slurmd; install SLURM"
step=$(command -v slurmstepd || command -v slurmstepd-wlm) || fail "there is no slurmstepd; install SLURM"

folder=$(mktemp -d)
mkdir "$folder"/{state,spool,run,log}
export SLURM_CONF=$folder/slurm.conf
host=$(hostname)
cat >"$SLURM_CONF" <<END
ClusterName=two_nodes
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.%n.log
SlurmctldPort=16817
SlurmdTimeout=10
KillWait=10
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$host NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=8 RealMemory=8000
NodeName=$host-2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17002 CPUs=8 RealMemory=8000
PartitionName=main Nodes=$host,$host-2 Default=YES MaxTime=INFINITE
PartitionName=patient Nodes=$host,$host-2 GraceTime=15
PartitionName=urgent Nodes=$host,$host-2 PriorityTier=10
${SLURM_PLUGINS:+PluginDir=$SLURM_PLUGINS}
END

daemons=()
stop() {
    scancel --user="$(id -u)" 2>/dev/null || true # a daemon that ends leaves the processes of its jobs
    for ((tries = 0; tries < 60; tries++)); do
        if [[ ! $(squeue --noheader 2>/dev/null) ]]; then break; fi
        sleep 0.5
    done
    kill "${daemons[@]}" 2>/dev/null || true
    wait "${daemons[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
"$controller" -D -c >/dev/null 2>&1 &
daemons+=($!)
for name in "$host" "$host-2"; do
    mkdir "$folder/spool/$name"
    "$node" -D -d "$step" -N "$name" >/dev/null 2>&1 &
    daemons+=($!)
done
for ((tries = 0; ; tries++)); do
    if [[ $(sinfo --noheader --states=idle --Node --partition=main 2>/dev/null | wc -l) = 2 ]]; then break; fi
    ((tries < 60)) || fail "SLURM does not answer: $(tail -n 3 "$folder"/log/*)"
    sleep 0.5
done
"$@"
