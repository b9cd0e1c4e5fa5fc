// The spins of a square lattice on the torus: a painting of two colours.

import { Painting } from "./painting.js";

export class Lattice extends Painting {
  constructor(panel, onPaint) {
    super(panel, { onPaint, wrap: true, what: "spins" });
  }

  show(magnet) {
    super.show(magnet.spins.data, magnet.size);
  }

  brushes() {
    return super.brushes([
      [1, "spins up"],
      [-1, "spins down"],
    ]);
  }
}
