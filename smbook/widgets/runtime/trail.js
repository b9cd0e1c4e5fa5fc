// For labs with a state that moves along a curve: its trail, and a tour of its input.

// A line of class `kind` through the places where the state has been; the oldest are forgotten.
export class Trail {
  constructor(chart, kind, room = 6000) {
    Object.assign(this, { chart, room, line: chart.line(kind) });
    this.clear();
  }

  clear() {
    this.pieces = [];
    this.lift();
    this.draw();
  }

  // The next place is not joined to the last one.
  lift() {
    this.last = undefined;
  }

  add(x, y) {
    const [u, v] = [this.chart.x.to(x), this.chart.y.to(y)];
    if (this.last && Math.hypot(u - this.last.u, v - this.last.v) < 0.7) return;
    this.pieces.push(`${this.last ? "L" : "M"}${u.toFixed(1)} ${v.toFixed(1)}`);
    this.last = { u, v };
    if (this.pieces.length > this.room) this.pieces.splice(0, this.room / 10);
  }

  draw() {
    const path = this.pieces.join("").replace(/^L/, "M");
    if (path !== this.drawn) this.line.node.setAttribute("d", path);
    this.drawn = path;
  }
}

// A number that visits `turns` one after the other in steps of `grain`.
export class Tour {
  constructor(from, turns, grain) {
    Object.assign(this, { grain, place: Math.round(from / grain) });
    this.turns = turns.map((turn) => Math.round(turn / grain));
  }

  get over() {
    return this.turns.length === 0;
  }

  next() {
    this.place += Math.sign(this.turns[0] - this.place);
    if (this.place === this.turns[0]) this.turns.shift();
    return Number((this.place * this.grain).toFixed(6));
  }
}
