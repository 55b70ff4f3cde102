"""Extensions of jax 0.12's interpreter of GPU kernels, only for tests.

It lacks `run_state` and `wgmma` with its left side in registers, and its race detector does not see what `wgmma` reads.
`interpreted()` runs every kernel traced inside it on the CPU; two threads that touch the same memory without a barrier
between them are an error.
"""

import collections
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import pytest
from jax._src import callback, core
from jax._src.pallas.mosaic_gpu import core as gpu_core
from jax._src.pallas.mosaic_gpu import primitives
from jax._src.pallas.mosaic_gpu.interpret import gpu_callbacks, jaxpr_interpret, shared_memory
from jax._src.state import discharge
from jax._src.state.types import AbstractRef
from jax.experimental.pallas import mosaic_gpu as plgpu

RACE = "RACE DETECTED|observ"
"""Pattern in the error of a kernel whose threads do not wait for each other.

Either two accesses are not ordered, or a thread never observed a phase of a barrier.
"""
ASYNC_THREADS = 64
"""Number of clocks for asynchronous copies and products, used in turn: two that share one count as ordered."""

_multiply, _read_accumulator = gpu_callbacks.wgmma, gpu_callbacks.wgmma_accumulator_deref


def _failing_for_all_threads[F: Callable[..., Any]](function: F) -> F:
    """Decorate a callback so that its exception ends the kernel's other threads too."""
    return gpu_callbacks.fail_on_exception(function)


def _unfinished_reads(memory: Any, thread: Any) -> collections.deque[Any]:
    """Return the clocks of the products that this thread has begun and not waited for."""
    by_thread: Any = vars(memory).setdefault("unfinished_wgmma_reads", collections.defaultdict(collections.deque))
    reads: collections.deque[Any] = by_thread[thread]
    return reads


@_failing_for_all_threads
def wgmma(*, token: Any, thread: Any, source_info: Any, **arguments: Any) -> Any:
    """Multiply as jax does, and show the race detector the reads of both sides.

    A `wgmma` is asynchronous: its reads are ordered after what its thread did before, but before nothing that its
    thread does until it waits for the product.
    """
    token = _multiply(token=token, thread=thread, source_info=source_info, **arguments)
    memory: Any = gpu_callbacks._get_shared_memory()
    clock = memory.get_clock(thread)
    clock.inc(memory.get_next_tma_thread_id())
    for side in ("a", "b"):
        key = shared_memory.HostAllocationKey.from_array(arguments[f"{side}_allocation_key_as_array"])
        if key.memory_space_id == shared_memory.get_memory_space_idx(gpu_core.MemorySpace.SMEM):
            transforms = jax.tree.map(int, gpu_callbacks._remove_noop_transforms(arguments[f"{side}_transforms"]))
            access = memory.access(key, transforms)
            gpu_callbacks.get_races().check_read(thread, clock.async_smem_clock, key, access, source_info=source_info)
    _unfinished_reads(memory, thread).append(clock)
    return token


@_failing_for_all_threads
def wgmma_wait(*, token: Any, thread: Any, n: int) -> Any:
    """Order the reads of all but the last n products of this thread before what it does from now on."""
    memory: Any = gpu_callbacks._get_shared_memory()
    reads = _unfinished_reads(memory, thread)
    with memory.lock:
        while len(reads) > n:
            memory.clocks[thread].update(reads.popleft())
    return token


def wgmma_accumulator_deref(*, token: Any, thread: Any, wait_n: int | None, **arguments: Any) -> Any:
    """Read an accumulator as jax does, after waiting for its products."""
    token = wgmma_wait(token=token, thread=thread, n=wait_n or 0)
    return _read_accumulator(token=token, thread=thread, wait_n=wait_n, **arguments)


class Interpreter(jaxpr_interpret.JaxprInterpreter):
    """jax's interpreter with the missing primitives; registers come from the same allocator as accumulators."""

    def interpret(self, jaxpr: Any, token: Any, *args: Any) -> Any:
        if not any(eqn.primitive in (discharge.run_state_p, primitives.wgmma_wait_p) for eqn in jaxpr.eqns):
            return self._interpret_by_jax(jaxpr, token, *args)
        values = dict(zip((*jaxpr.constvars, *jaxpr.invars), args, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, core.Literal) else values[atom]

        for eqn in jaxpr.eqns:
            if eqn.primitive is discharge.run_state_p:
                token, out = self._run_state(eqn, token, [read(atom) for atom in eqn.invars])
                written = eqn.outvars
            elif eqn.primitive is primitives.wgmma_wait_p:
                wait = functools.partial(wgmma_wait, n=eqn.params["n"])
                shape = gpu_callbacks.TOKEN_SHAPE_DTYPE
                token, out, written = callback.io_callback(wait, shape, token=token, thread=self.thread), [], []
            else:
                needed = list(dict.fromkeys(atom for atom in eqn.invars if isinstance(atom, core.Var)))
                written = [var for var in eqn.outvars if not isinstance(var, core.DropVar)]
                one_equation = jaxpr.replace(
                    constvars=[],
                    invars=needed,
                    outvars=written,
                    eqns=[eqn],
                    debug_info=jaxpr.debug_info.with_unknown_names(),
                )
                token, out = self._interpret_by_jax(one_equation, token, *map(values.__getitem__, needed))
            values.update(zip(written, out, strict=True))
        return token, [read(atom) for atom in jaxpr.outvars]

    def _interpret_by_jax(self, jaxpr: Any, token: Any, *args: Any) -> Any:
        interpret: Any = super().interpret
        return interpret(jaxpr, token, *args)

    def _run_state(self, eqn: Any, token: Any, values: list[Any]) -> tuple[Any, list[Any]]:
        assert all(eqn.params["is_initialized"])
        keys = []
        for atom, value in zip(eqn.invars, values, strict=True):
            key = value
            if not isinstance(atom.aval, AbstractRef):
                token, key = self._to_registers(eqn, token, value)
            keys.append(key)
        token, _ = self.interpret(eqn.params["jaxpr"], token, *keys)
        out = []
        for atom, key in zip(eqn.invars, keys, strict=True):
            value = key
            if not isinstance(atom.aval, AbstractRef):
                token, value = self._from_registers(eqn, token, key, atom.aval)
                token = self._release(eqn, token, key)
            out.append(value)
        return token, out

    def _interpret_wgmma_ref_p(self, eqn: Any, token: Any, get_invals: Any) -> Any:
        left = eqn.invars[1]
        if isinstance(left.aval, AbstractRef):
            return super()._interpret_wgmma_ref_p(eqn, token, get_invals)
        acc, value, *rest = get_invals()
        token, key = self._to_registers(eqn, token, value)
        in_registers = AbstractRef(left.aval, memory_space=gpu_core.MemorySpace.REGS)
        with_ref = eqn.replace(invars=[eqn.invars[0], core.Var(in_registers), *eqn.invars[2:]])
        token, out = super()._interpret_wgmma_ref_p(with_ref, token, lambda: [acc, key, *rest])
        return self._release(eqn, token, key), out

    def _to_registers(self, eqn: Any, token: Any, value: Any) -> tuple[Any, Any]:
        space = shared_memory.get_memory_space_idx(gpu_core.MemorySpace.REGS)
        token, request = gpu_callbacks.call_make_allocation_request_array(
            token=token, compute_unit=self.thread, memory_space_id=space, initial_ref_count=1
        )
        thread = {"mesh_location": self.mesh_location, "thread": self.thread, "source_info": eqn.source_info}
        token, key = gpu_callbacks.call_allocate_buffer(
            token=token, allocation_request_as_array=request, value=value, **thread
        )
        return token, key

    def _from_registers(self, eqn: Any, token: Any, key: Any, aval: Any) -> tuple[Any, Any]:
        def load(**values: Any) -> Any:
            return gpu_callbacks.wgmma_accumulator_deref(source_info=eqn.source_info, wait_n=0, **values)

        shapes = (gpu_callbacks.TOKEN_SHAPE_DTYPE, jax.ShapeDtypeStruct(aval.shape, aval.dtype))
        thread = {"mesh_location": self.mesh_location, "thread": self.thread, "acc_allocation_key_as_array": key}
        token, value = callback.io_callback(load, shapes, token=token, **thread)
        return token, value

    def _release(self, eqn: Any, token: Any, key: Any) -> Any:
        thread = {"mesh_location": self.mesh_location, "thread": self.thread, "source_info": eqn.source_info}
        return gpu_callbacks.call_deallocate_buffer(token=token, allocation_key_as_array=key, **thread)


@contextlib.contextmanager
def interpreted() -> Iterator[None]:
    """Run the kernels that are traced inside on the CPU, and raise if two of their threads race for the same memory."""
    parameters = plgpu.InterpretGPUParams(detect_races=True, num_tma_threads_per_device=ASYNC_THREADS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxpr_interpret, "JaxprInterpreter", Interpreter)
        patch.setattr(gpu_callbacks, "wgmma", wgmma)
        patch.setattr(gpu_callbacks, "wgmma_accumulator_deref", wgmma_accumulator_deref)
        try:
            with plgpu.force_gpu_interpret_mode(parameters):
                yield
        finally:
            gpu_callbacks.reset_gpu_interpret_mode_state()
