"""What jax 0.12's interpreter of GPU kernels does not know yet: `run_state`, and `wgmma` with its left side in registers.

Only for tests. `interpreted()` runs every kernel traced inside it on the CPU; two threads that touch the same memory
without a barrier between them are an error.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import pytest
from jax._src import callback, core
from jax._src.pallas.mosaic_gpu import core as gpu_core
from jax._src.pallas.mosaic_gpu.interpret import gpu_callbacks, jaxpr_interpret, shared_memory
from jax._src.state import discharge
from jax._src.state.types import AbstractRef
from jax.experimental.pallas import mosaic_gpu as plgpu


class Interpreter(jaxpr_interpret.JaxprInterpreter):
    """jax's interpreter with the two primitives; each takes registers from the same allocator as accumulators do."""

    def interpret(self, jaxpr: Any, token: Any, *args: Any) -> Any:
        if not any(eqn.primitive is discharge.run_state_p for eqn in jaxpr.eqns):
            return self._without_run_state(jaxpr, token, *args)
        values = dict(zip((*jaxpr.constvars, *jaxpr.invars), args, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if isinstance(atom, core.Literal) else values[atom]

        for eqn in jaxpr.eqns:
            if eqn.primitive is discharge.run_state_p:
                token, out = self._run_state(eqn, token, [read(atom) for atom in eqn.invars])
                written = eqn.outvars
            else:
                needed = list(dict.fromkeys(atom for atom in eqn.invars if isinstance(atom, core.Var)))
                written = [var for var in eqn.outvars if not isinstance(var, core.DropVar)]
                alone = jaxpr.replace(
                    constvars=[],
                    invars=needed,
                    outvars=written,
                    eqns=[eqn],
                    debug_info=jaxpr.debug_info.with_unknown_names(),
                )
                token, out = self._without_run_state(alone, token, *map(values.__getitem__, needed))
            values.update(zip(written, out, strict=True))
        return token, [read(atom) for atom in jaxpr.outvars]

    def _without_run_state(self, jaxpr: Any, token: Any, *args: Any) -> Any:
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
        here = {"mesh_location": self.mesh_location, "thread": self.thread, "source_info": eqn.source_info}
        token, key = gpu_callbacks.call_allocate_buffer(
            token=token, allocation_request_as_array=request, value=value, **here
        )
        return token, key

    def _from_registers(self, eqn: Any, token: Any, key: Any, aval: Any) -> tuple[Any, Any]:
        def load(**values: Any) -> Any:
            return gpu_callbacks.wgmma_accumulator_deref(source_info=eqn.source_info, wait_n=0, **values)

        shapes = (gpu_callbacks.TOKEN_SHAPE_DTYPE, jax.ShapeDtypeStruct(aval.shape, aval.dtype))
        here = {"mesh_location": self.mesh_location, "thread": self.thread, "acc_allocation_key_as_array": key}
        token, value = callback.io_callback(load, shapes, token=token, **here)
        return token, value

    def _release(self, eqn: Any, token: Any, key: Any) -> Any:
        here = {"mesh_location": self.mesh_location, "thread": self.thread, "source_info": eqn.source_info}
        return gpu_callbacks.call_deallocate_buffer(token=token, allocation_key_as_array=key, **here)


@contextlib.contextmanager
def interpreted() -> Iterator[None]:
    """Runs the kernels that are traced inside on the CPU, and raises if two of its threads race for the same memory."""
    parameters = plgpu.InterpretGPUParams(detect_races=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxpr_interpret, "JaxprInterpreter", Interpreter)
        try:
            with plgpu.force_gpu_interpret_mode(parameters):
                yield
        finally:
            gpu_callbacks.reset_gpu_interpret_mode_state()
