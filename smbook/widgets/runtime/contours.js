// Lines of equal value through a grid of values.

// Pieces [x, y, u, v] of the line on which values, row by row, are at `level`; places are counted in columns and rows.
export function contour(values, rows, columns, level) {
  const pieces = [];
  for (let row = 0; row + 1 < rows; row += 1)
    for (let column = 0; column + 1 < columns; column += 1) {
      const points = crossings(values, row * columns + column, columns, level);
      for (let k = 0; k + 1 < points.length; k += 2) {
        const [[x, y], [u, v]] = [points[k], points[k + 1]];
        pieces.push([column + x, row + y, column + u, row + v]);
      }
    }
  return pieces;
}

// Where the level is crossed on the sides of the square whose first corner is entry i: no, two or four places.
function crossings(values, i, columns, level) {
  const [a, b, c, d] = [values[i], values[i + 1], values[i + columns + 1], values[i + columns]];
  const cut = (from, to) => (level - from) / (to - from);
  const points = [];
  if (a < level !== b < level) points.push([cut(a, b), 0]);
  if (b < level !== c < level) points.push([1, cut(b, c)]);
  if (c < level !== d < level) points.push([cut(d, c), 1]);
  if (d < level !== a < level) points.push([0, cut(a, d)]);
  return points;
}
