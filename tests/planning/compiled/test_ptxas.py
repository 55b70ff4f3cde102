"""Output of the assembler, as two versions of jax print it."""

import os

from tanuki_jax.planning.compiled.ptxas import listening, parse, requested

JAX_11 = """Resources(smem_scratch_bytes=165888, tmem_scratch_cols=0, tmem_collective_scratch_cols=0, \
barrier_counts=Counter(\
{Barrier(arrival_count=1, num_barriers=2, orders_tensor_core=False): 3, Barrier(arrival_count=2, num_barriers=1, \
orders_tensor_core=False): 1}), scoped_gmem_semaphores={})
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'forward' for 'sm_90a'
ptxas info    : Function properties for forward
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 168 registers, used 16 barriers, 1 bytes smem
ptxas info    : Compile time = 335.081 ms

ptxas info    : (C7519) warpgroup.arrive is injected in around line 938 by compiler to allow use of registers \
in GMMA in function 'backward'
ptxas info    : (C7519) warpgroup.arrive is injected in around line 1006 by compiler to allow use of registers \
in GMMA in function 'backward'
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'backward' for 'sm_90a'
ptxas info    : Function properties for backward
    24 bytes stack frame, 20 bytes spill stores, 28 bytes spill loads
ptxas info    : Used 252 registers, used 16 barriers
ptxas info    : Compile time = 327.880 ms
"""

JAX_12 = """
ptxas info    : (C7504) Potential Performance Loss: 'setmaxnreg' ignored to maintain compatibility \
across compilation units.
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'forward' for 'sm_90a'
ptxas info    : Function properties for forward
ptxas         .     0 bytes stack frame, 8 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 254 registers, used 16 barriers, 17 bytes smem
ptxas info    : Compile time = 474.042 ms
info    : 0 bytes gmem
info    : Function properties for 'forward':
info    : used 254 registers, used 16 barriers, 0 stack, 1025 bytes smem, 1856 bytes cmem[0], 0 bytes lmem
"""


def test_every_kernel_of_a_log_is_found() -> None:
    forward, backward = parse(JAX_11)
    assert (forward.name, forward.registers, forward.shared_static, forward.spills, forward.remarks) == (
        "forward",
        168,
        1,
        False,
        (),
    )
    assert (backward.name, backward.registers, backward.shared_static) == ("backward", 252, 0)
    assert (backward.stack, backward.spill_stores, backward.spill_loads, backward.spills) == (24, 20, 28, True)
    assert backward.remarks == (
        "(C7519) warpgroup.arrive is injected by compiler to allow use of registers in GMMA in function 'backward'",
    )


def test_the_output_of_jax_12_is_parsed() -> None:
    (kernel,) = parse(JAX_12)
    assert (kernel.registers, kernel.spill_stores, kernel.spills, kernel.shared_static) == (254, 8, True, 17)
    assert len(kernel.remarks) == 1 and "'setmaxnreg' ignored" in kernel.remarks[0]


def test_shared_memory_is_tiles_and_barriers() -> None:
    assert requested(JAX_11) == [165_888 + 8 * (2 * 3 + 1)]
    assert (parse(""), requested("")) == ([], [])


def test_all_writes_to_stdout_are_collected_and_the_environment_restored() -> None:
    before = dict(os.environ)
    with listening() as output:
        assert os.environ["MOSAIC_GPU_DUMP_PTXAS"] == "1"
        os.write(1, b"from below\n")
        os.system("echo from a process")
        print("from Python")
    assert set(output[0].splitlines()) >= {"from below", "from a process", "from Python"}
    assert dict(os.environ) == before
