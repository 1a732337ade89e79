"""Denormal numbers count as zero while the packed recurrences run: gradients fade into them, and they are slow.

Over hundreds of steps a gradient falls below 1.2e-38, the least normal float32. Processors compute with such numbers
ten to a hundred times more slowly, and they are too small to change a bit of any sum that counts. TensorFlow takes them
for zero in its own threads, too (tensorflow/core/platform/denormal.h).
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc"
# numba infers the types of the compiled functions; annotations would repeat them and be checked by nobody.

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

HERE = platform.machine().lower() in ("x86_64", "amd64")  # ARM's processors compute with denormals at full speed
# Bits of MXCSR, by which an x86 thread says how it computes: results to zero, operands to zero. Intel's manual, volume
# 1, section 10.2.3.
FLUSH, ALL = 0x8040, 0xFFFFFFFF


@contextmanager
def flushed() -> Iterator[None]:
    """Have this thread take denormal numbers for zero, in NumPy, BLAS and compiled loops; afterwards as it was."""
    if not HERE:
        yield
        return
    before = _exchange(ALL, FLUSH)
    try:
        yield
    finally:
        _exchange(0, before)


def _call(builder, name, place):
    pointer = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [pointer]), name)
    builder.call(function, [builder.bitcast(place, pointer)])


@intrinsic
def _read(context):
    def generate(context, builder, signature, arguments):
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        return builder.load(place)

    return types.uint32(), generate


@intrinsic
def _write(context, value):
    def generate(context, builder, signature, arguments):
        place = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(arguments[0], place)
        _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), generate


@numba.njit
def _exchange(kept, added):
    """Keep these bits of MXCSR, set those, and return what it was."""
    before = _read()
    _write(types.uint32((before & types.uint32(kept)) | types.uint32(added)))
    return before
