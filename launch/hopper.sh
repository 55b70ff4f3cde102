# shellcheck shell=sh
# What XLA, CUDA and NCCL are told on H100 and H200; slurm.sbatch and kubernetes.yaml read it:  . launch/hopper.sh
#
# By it too a plan can be made of what will run: (. launch/hopper.sh; python -m tanuki_jax.plan --config=8b --target=h100:3x8)
# Sources: [1] NVIDIA, Tips for High-Performance LLMs with JAX and XLA (JAX-Toolbox, docs/GPU_performance.md);
# [2] MaxText's settings for nodes of eight H100 (src/maxtext/configs/gpu/a3). jax 0.11.2 and 0.12 know all of them; an unknown flag in
# XLA_FLAGS ends the program. They were compiled with, not run: the step of 8b on 3 x 8 H100 (remat full, one row) takes 21.8 GiB a GPU where
# it took 20.5 without them, and 26.4 with jax 0.11.2. What an installation has set already comes after, and wins.

flags=

# Layers' weights are gathered, and gradients summed and scattered, while others compute: the latency-hiding scheduler, collectives moved
# across iterations of the loop over layers, and a model of how long each takes on NVLink and between nodes. One word for what took six
# flags, which [2] still lists. [1]
export JAX_OPTIMIZATION_LEVEL="${JAX_OPTIMIZATION_LEVEL:-O1}"

# Small collectives are combined into one of up to so many bytes, since links are used well by large ones only: at least the bfloat16
# weights of a layer [1], which of 8B are 436 MB. More costs memory, since more is in flight. [2] has 128 MiB to 1 GiB.
flags="$flags --xla_gpu_all_gather_combine_threshold_bytes=536870912"
flags="$flags --xla_gpu_reduce_scatter_combine_threshold_bytes=536870912"
flags="$flags --xla_gpu_all_reduce_combine_threshold_bytes=536870912"

# What is computed again in the backward pass is layout.remat's choice. XLA's own pass would choose more where memory is short, silently and
# slowly; without it such a layout ends with "out of memory". [2]
flags="$flags --xla_disable_hlo_passes=rematerialization"

# A lost peer ends the process, and so the job, which then starts again; otherwise it would wait in NCCL.
flags="$flags --xla_gpu_nccl_terminate_on_error=true"

export XLA_FLAGS="$flags ${XLA_FLAGS:-}"
unset flags

# XLA takes this share of a GPU's memory at the start (of itself .75). NCCL, cuBLAS and cuDNN live in the rest. [1]
export XLA_PYTHON_CLIENT_MEM_FRACTION="${XLA_PYTHON_CLIENT_MEM_FRACTION:-0.9}"

# One hardware queue: collectives begin in the order in which the scheduler placed them, not when a queue is free. On Hopper; Blackwell
# is slower with it. [1]
export CUDA_DEVICE_MAX_CONNECTIONS="${CUDA_DEVICE_MAX_CONNECTIONS:-1}"

# Where one process has all GPUs of a node, their collectives are launched together: a call that waits for the whole process, such as
# cudaFree, may otherwise come between two of them and hang. One process a GPU does not need it and is not hurt. [1]
export NCCL_LAUNCH_MODE="${NCCL_LAUNCH_MODE:-GROUP}"

# In-switch sums (NCCL_NVLS_ENABLE) are left to NCCL, which uses them where they work: [1] switches them on, [2] off. Which network cards it
# uses (NCCL_SOCKET_IFNAME, NCCL_IB_HCA, a provider's plugin) is the installation's to say.
