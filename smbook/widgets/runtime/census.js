// How often something was counted, over the later half, or more, of what came since the last restart: blocks double in
// length, and all but the last whole one and the one being filled are forgotten.

const TRANSIENT = 50; // entries after which the first average begins

export class Census {
  // Count anew: entry k has the value values[k], of which there will be a mean.
  restart(values) {
    this.values = values;
    this.block = (length) => ({ count: 0, sum: 0, length, of: new Float64Array(values.length) });
    this.whole = undefined;
    this.filling = this.block(TRANSIENT);
  }

  add(k) {
    const block = this.filling;
    block.count += 1;
    block.sum += this.values[k];
    block.of[k] += 1;
    if (block.count < block.length) return;
    if (block.length > TRANSIENT) this.whole = block;
    this.filling = this.block(2 * block.length);
  }

  // The mean value; undefined before the first block is whole.
  get mean() {
    const { whole, filling } = this;
    return whole ? (whole.sum + filling.sum) / (whole.count + filling.count) : undefined;
  }

  get shares() {
    const { whole, filling } = this;
    const total = Math.max(filling.count + (whole?.count ?? 0), 1);
    return filling.of.map((count, k) => (count + (whole?.of[k] ?? 0)) / total);
  }
}
