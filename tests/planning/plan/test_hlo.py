"""Parser of compiled programs: how often an instruction runs, and the bytes of types."""

from typing import Any

import jax
import jax.numpy as jnp

from tanuki_jax.planning.plan import hlo

TPU_LOOP = """HloModule jit_step, is_scheduled=true

%body.1 (param.1: (s32[], f32[8])) -> (s32[], f32[8]) {
  %param.1 = (s32[]{:T(128)}, f32[8]{0:T(256)S(1)}) parameter(0)
  %get-tuple-element.1 = s32[]{:T(128)} get-tuple-element(%param.1), index=0
  %get-tuple-element.2 = f32[8]{0:T(256)S(1)} get-tuple-element(%param.1), index=1
  %sine.1 = f32[8]{0:T(256)} sine(%get-tuple-element.2), metadata={op_name="jit(step)/jvp()/while/body/sin"}
  ROOT %tuple.1 = (s32[]{:T(128)}, f32[8]{0:T(256)}) tuple(%get-tuple-element.1, %sine.1)
}

%condition.1 (param.2: (s32[], f32[8])) -> pred[] {
  %constant.5 = s32[]{:T(128)} constant(6)
  %param.2 = (s32[]{:T(128)}, f32[8]{0:T(256)}) parameter(0)
  %get-tuple-element.3 = s32[]{:T(128)} get-tuple-element(%param.2), index=0
  ROOT %lt.1 = pred[]{:T(512)} compare(%get-tuple-element.3, %constant.5), direction=LT
}

ENTRY %main.1 (param.0: (s32[], f32[8])) -> (s32[], f32[8]) {
  %param.0 = (s32[]{:T(128)}, f32[8]{0:T(256)}) parameter(0)
  ROOT %while.1 = (s32[]{:T(128)}, f32[8]{0:T(256)}) while(%param.0), condition=%condition.1, body=%body.1
}
"""


def compiled(function: Any, *shapes: Any) -> hlo.Program:
    return hlo.parse(jax.jit(function).lower(*shapes).compile().as_text() or "")


def test_loops_in_loops_multiply() -> None:
    def inner(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jnp.sort(x), None

    def outer(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jax.lax.scan(inner, jnp.cumsum(x), None, length=3)[0], None

    program = compiled(lambda x: jax.lax.scan(outer, x, None, length=5)[0], jax.ShapeDtypeStruct((64,), jnp.float32))
    assert sum(run.times for run in program.runs() if run.instruction.opcode == "sort") == 15


def test_a_loop_of_unknown_length_counts_once() -> None:
    def body(x: jax.Array) -> jax.Array:
        return jnp.sort(x * 1.5)

    program = compiled(
        lambda x: jax.lax.while_loop(lambda x: x[0] < 9, body, x), jax.ShapeDtypeStruct((64,), jnp.float32)
    )
    assert [run.times for run in program.runs() if run.instruction.opcode == "sort"] == [1]


def test_the_length_of_a_tpu_loop_is_read_from_its_condition() -> None:
    program = hlo.parse(TPU_LOOP)
    (sine,) = [run for run in program.runs() if run.instruction.opcode == "sine"]
    assert (sine.times, sine.instruction.scope) == (6, "jit(step)/jvp()/while/body/sin")


def test_types_are_parsed_as_arrays_with_their_bytes() -> None:
    kind = "(bf16[512,8]{1,0:T(8,128)(2,1)}, /*index=1*/(pred[3]{0}, f8e4m3fn[7]{0:S(5)}), s4[6]{0}, u32[], token[])"
    arrays = hlo.arrays_of(kind)
    assert [array.bytes for array in arrays] == [512 * 8 * 2, 3, 7, 3, 4, 0]
    assert [array.on_host for array in arrays] == [False, False, True, False, False, False]
