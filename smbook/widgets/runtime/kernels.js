// Kernels on the memory of a WebAssembly module. There is no physics in these scripts: what is computed is computed
// by the package's own kernels.

const TYPES = {
  int8: Int8Array,
  int16: Int16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  float32: Float32Array,
  int32: Int32Array,
  float64: Float64Array,
};

// The kernels of one lab, on a memory of its own, with room for `bytes` bytes of arrays. Each kernel is a
// method of `run`, called with numbers and with arrays made by `array`; sizes and types come from the module.
export class Kernels {
  constructor(module, bytes) {
    const [section] = WebAssembly.Module.customSections(module, "signatures");
    const signatures = JSON.parse(new TextDecoder().decode(section));
    const pages = Math.ceil((bytes + 2 ** 17) / 2 ** 16);
    this.memory = new WebAssembly.Memory({ initial: pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.top = exports.__heap_base.value;
    this.result = this.array("float64", 1);
    this.error = this.array("int64", 1);
    this.run = {};
    for (const [name, signature] of Object.entries(signatures)) {
      this.run[name] = this.callable(exports[name], signature);
    }
  }

  array(type, ...shape) {
    const address = (this.top + 15) & ~15;
    this.top = address + product(shape) * TYPES[type].BYTES_PER_ELEMENT;
    if (this.top > this.memory.buffer.byteLength) throw new RangeError(`no room for ${shape} of ${type}`);
    return this.view(type, address, shape);
  }

  // An array of zeros; `array` leaves what the memory held.
  zeros(type, ...shape) {
    const made = this.array(type, ...shape);
    made.data.fill(/^u?int64$/.test(type) ? 0n : 0);
    return made;
  }

  // The first entries of an array, as many as `shape` has, on the same memory.
  part(array, ...shape) {
    return this.view(array.type, array.address, shape);
  }

  // Row k of an array, on the same memory.
  row(array, k) {
    const shape = array.shape.slice(1);
    return this.view(array.type, array.address + k * product(shape) * array.data.BYTES_PER_ELEMENT, shape);
  }

  // The memory of an array of words as twice as many halves.
  halves({ address, shape }) {
    return this.view("uint32", address, [2 * product(shape)]);
  }

  view(type, address, shape) {
    const size = product(shape);
    const data = new TYPES[type](this.memory.buffer, address, size);
    return { data, type, address, shape, native: nativeArray(size, data.BYTES_PER_ELEMENT, address, shape) };
  }

  callable(native, { arguments: kinds, returns }) {
    const view = new DataView(this.memory.buffer, this.result.address, 8);
    const answers = {
      int64: () => view.getBigInt64(0, true),
      float64: () => view.getFloat64(0, true),
    };
    return (...given) => {
      if (given.length !== kinds.length)
        throw new TypeError(`${kinds.length} arguments, not ${given.length}`);
      native(
        this.result.address,
        this.error.address,
        ...given.flatMap((value, i) => flatten(value, kinds[i])),
      );
      return returns ? answers[returns]() : undefined;
    };
  }
}

function product(numbers) {
  return numbers.reduce((a, b) => a * b, 1);
}

function nativeArray(size, width, address, shape) {
  const strides = shape.map((_, axis) => width * product(shape.slice(axis + 1)));
  return [0, 0, BigInt(size), BigInt(width), address, ...shape.map(BigInt), ...strides.map(BigInt)];
}

function flatten(value, kind) {
  if (kind.endsWith("]")) {
    if (`${value.type}[${value.shape.length}]` !== kind) throw new TypeError(`not ${kind}`);
    return value.native;
  }
  return [kind === "int64" || kind === "uint64" ? BigInt(value) : value];
}

// The state of a generator, seeded as `smbook` seeds it.
export function seeded(kernels, seed) {
  const state = kernels.array("uint64", 4);
  kernels.run.split_mix(state, seed);
  return state;
}

// Room for `single_site` on rows of `length` sites: its generators side by side, yet to be seeded, and arrays.
export function roomForRows(kernels, length) {
  const steps = Number(kernels.run.draw_steps(length));
  return [
    kernels.array("uint64", 4, 64),
    kernels.array("uint64", steps, 64),
    kernels.array("int16", 256 * steps),
    kernels.array("int8", 6, 256 * steps + 128),
  ];
}

// The bytes of a binary trait, which arrives as a DataView.
export function bytes(view, Type = Uint8Array) {
  return new Type(view.buffer, view.byteOffset, view.byteLength);
}
