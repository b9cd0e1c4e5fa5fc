"""Call the kernels of a WebAssembly module as a page does, with NumPy arrays in place of typed arrays."""

import json

import numpy as np
from wasmtime import Engine, Instance, Memory, MemoryType, Module, Store

PAGE = 2**16
ALIGNMENT = 16


class Kernels:
    """The kernels of a module as its section "signatures" describes them, run by wasmtime.

    `kernels.spin_sum(spins)` copies its arrays in, calls, and copies them back, whatever the kernel did to
    them. Arrays that start at the same address share their memory there too.
    """

    def __init__(self, code):
        self.signatures = json.loads(custom_section(code, "signatures"))
        engine = Engine()
        module = Module(engine, code)
        self.imports = [(entry.module, entry.name) for entry in module.imports]
        self._store = Store(engine)
        self._memory = Memory(self._store, MemoryType(module.imports[0].type.limits))
        self.exports = Instance(self._store, module, [self._memory]).exports(self._store)

    def __getattr__(self, name):
        if name not in self.__dict__.get("signatures", ()):
            raise AttributeError(name)
        return lambda *arguments: self.call(name, *arguments)

    def call(self, name, *arguments):
        kinds, returned = self.signatures[name]["arguments"], self.signatures[name]["returns"]
        result = self.exports["__heap_base"].value(self._store)
        top, flat, arrays = aligned(result + 8), [], []
        for kind, argument in zip(kinds, arguments, strict=True):
            if not kind.endswith("]"):
                flat.append(float(argument) if kind.startswith("float") else signed(argument))
                continue
            check_array(name, kind, argument)
            known = [address for address, array in arrays if array.ctypes.data == argument.ctypes.data]
            address = known[0] if known and argument.size else top
            arrays.append((address, argument))
            flat += [0, 0, argument.size, argument.itemsize, address, *argument.shape, *argument.strides]
            top = max(top, aligned(address + argument.nbytes))
        self._reach(top)
        for address, array in arrays:
            self._memory.write(self._store, array.tobytes(), address)
        if self.exports[name](self._store, result, 0, *flat) != 0:
            raise RuntimeError(f"{name} did not end well")
        for address, array in arrays:
            array.reshape(-1)[:] = np.frombuffer(self._read(address, array.nbytes), dtype=array.dtype)
        return np.frombuffer(self._read(result, 8), dtype=returned)[0] if returned else None

    def _read(self, address, size):
        return self._memory.read(self._store, address, address + size)

    def _reach(self, top):
        missing = top - self._memory.data_len(self._store)
        if missing > 0:
            self._memory.grow(self._store, -(-missing // PAGE))


def check_array(name, kind, array):
    if f"{array.dtype}[{array.ndim}]" != kind or not array.flags.c_contiguous:
        raise TypeError(f"{name} takes {kind}, contiguous; got {array.dtype}[{array.ndim}]")


def aligned(address):
    return -(-address // ALIGNMENT) * ALIGNMENT


def signed(integer):
    """Return the 64 bits of an integer as wasmtime wants them, the upper half of a uint64 as negative."""
    return (int(integer) + 2**63) % 2**64 - 2**63


def sections(code):
    """Walk through the sections of a module: the kind of each by number, and what stands in it."""
    place = 8  # behind the magic number and the version
    while place < len(code):
        kind = code[place]
        size, start = read_leb128(code, place + 1)
        place = start + size
        yield kind, code[start:place]


def custom_section(code, wanted):
    """Return the payload of the custom section `wanted` of a module."""
    for kind, content in sections(code):
        if kind == 0:
            length, name = read_leb128(content, 0)
            if content[name : name + length].decode() == wanted:
                return content[name + length :]
    raise ValueError(f"no custom section {wanted}")


def read_leb128(code, place):
    """Return the number at `place`, seven bits a byte, and the place behind it."""
    number = shift = 0
    while True:
        byte, place = code[place], place + 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, place
