// Means over the later half of what has been recorded, and their errors: sums over blocks, which grow in length.

const BLOCKS = 128; // at most
const PIECES = 16; // of the later half, whose scatter tells the error

export class Later {
  // Record so many quantities anew.
  constructor(count) {
    this.filling = new Float64Array(count);
    Object.assign(this, { blocks: [], length: 1, fill: 0 });
  }

  add(values) {
    values.forEach((value, i) => {
      this.filling[i] += value;
    });
    this.fill += 1;
    if (this.fill < this.length) return;
    this.blocks.push(this.filling);
    this.filling = new Float64Array(values.length);
    this.fill = 0;
    if (this.blocks.length === BLOCKS) this.join();
  }

  // Make one block of each two.
  join() {
    this.blocks = Array.from({ length: BLOCKS / 2 }, (_, k) =>
      this.blocks[2 * k].map((sum, i) => sum + this.blocks[2 * k + 1][i]),
    );
    this.length *= 2;
  }

  // How many blocks each piece has.
  get size() {
    return Math.floor(this.blocks.length / 2 / PIECES);
  }

  // From which entry on, and up to which, means are taken; undefined as long as there are too few.
  get span() {
    const end = this.blocks.length;
    return this.size ? [end - this.size * PIECES, end].map((block) => block * this.length) : undefined;
  }

  // The mean of a quantity and its error, or undefined.
  mean(i) {
    if (!this.size) return undefined;
    const { blocks, size } = this;
    const used = blocks.slice(-size * PIECES).map((sums) => sums[i] / this.length);
    const pieces = Array.from({ length: PIECES }, (_, k) => average(used.slice(k * size, (k + 1) * size)));
    const value = average(pieces);
    const variance = average(pieces.map((piece) => (piece - value) ** 2)) / (PIECES - 1);
    return { value, error: Math.sqrt(variance) };
  }
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
