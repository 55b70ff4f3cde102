# shellcheck shell=sh
# Settings of XLA, CUDA and NCCL for H100 and H200, read by slurm.sbatch and kubernetes.yaml:  . launch/hopper.sh
#
# A plan with the same settings: (. launch/hopper.sh; python -m tanuki_jax.plan --config=8b --target=h100:3x8)
#
# Sources: [1] NVIDIA, Tips for High-Performance LLMs with JAX and XLA (JAX-Toolbox, docs/GPU_performance.md);
# [2] MaxText's settings for nodes of eight H100 (src/maxtext/configs/gpu/a3).
# jax 0.11.2 and 0.12 know all flags; an unknown flag in XLA_FLAGS ends the program. Programs were compiled with them,
# but not run: the step of 8b on 3 x 8 H100 (remat full, one row) takes 21.8 GiB a GPU, 20.5 without these flags, and
# 26.4 with jax 0.11.2. Settings that exist already come after these, and win.

flags=

# Overlap of communication with computation: the weights of a layer are gathered, and gradients reduced and scattered,
# while other layers compute. O1 switches on the latency-hiding scheduler, moves collectives across iterations of the
# loop over layers, and estimates their times on NVLink and between nodes. It replaces six flags that [2] lists. [1]
export JAX_OPTIMIZATION_LEVEL="${JAX_OPTIMIZATION_LEVEL:-O1}"

# Small collectives are combined into one of up to this many bytes, because only large ones use the links well: at least
# the bfloat16 weights of a layer [1], 436 MB for 8B. More bytes take more memory for buffers. [2] has 128 MiB to 1 GiB.
flags="$flags --xla_gpu_all_gather_combine_threshold_bytes=536870912"
flags="$flags --xla_gpu_reduce_scatter_combine_threshold_bytes=536870912"
flags="$flags --xla_gpu_all_reduce_combine_threshold_bytes=536870912"

# layout.remat chooses which activations are computed again in the backward pass. XLA's own pass would silently choose
# more if memory is short, and make the step slow; without that pass such a layout ends with "out of memory". [2]
flags="$flags --xla_disable_hlo_passes=rematerialization"

# A lost peer ends the process, and so the job, which then starts again; otherwise the process would wait in NCCL.
flags="$flags --xla_gpu_nccl_terminate_on_error=true"

export XLA_FLAGS="$flags ${XLA_FLAGS:-}"
unset flags

# The share of a GPU's memory that XLA reserves is set by `train` itself: .92, what `plan` reckons with. NCCL, cuBLAS and
# cuDNN use the rest. XLA_CLIENT_MEM_FRACTION changes it.

# One hardware queue, so that collectives begin in the scheduler's order and not whenever a queue is free. For Hopper;
# Blackwell is slower with it. [1]
export CUDA_DEVICE_MAX_CONNECTIONS="${CUDA_DEVICE_MAX_CONNECTIONS:-1}"

# If one process drives all GPUs of a node, their collectives are launched together: otherwise a call that waits for the
# process, such as cudaFree, can run between two of them and hang. With one process a GPU it changes nothing. [1]
export NCCL_LAUNCH_MODE="${NCCL_LAUNCH_MODE:-GROUP}"

# Reductions in the switch (NCCL_NVLS_ENABLE) are left to NCCL, which uses them if they work: [1] switches them on, [2]
# off. The cluster's administrator chooses the network cards (NCCL_SOCKET_IFNAME, NCCL_IB_HCA, a provider's plugin).
