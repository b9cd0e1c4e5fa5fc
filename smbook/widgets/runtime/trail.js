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

// A number that visits `turns` one after the other, in units of `far`, which may change on the way.
export class Tour {
  constructor(from, turns, far, grain) {
    Object.assign(this, { turns: [...turns], far, grain, place: Math.round(from / grain) });
  }

  get over() {
    return this.turns.length === 0;
  }

  // Go on by so many grains.
  next(grains = 1) {
    const goal = Math.round((this.turns[0] * this.far) / this.grain);
    const left = goal - this.place;
    this.place += Math.sign(left) * Math.min(grains, Math.abs(left));
    if (this.place === goal) this.turns.shift();
    return Number((this.place * this.grain).toFixed(6));
  }
}
