// SPDX-License-Identifier: MIT
// Curves as dygraphs wants them: rows [x, [low, value, high], ...].

// Exponential moving average, corrected for its start; leaves gaps alone.
function smoothed(values, weight) {
  if (!weight) return values;
  let sum = 0, weights = 0;
  return values.map(value => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    weights = weight * weights + (1 - weight);
    return sum / weights;
  });
}

// Points { x, low, value, high } of a run; null if it has no such column.
function curve(run, chart) {
  const series = run.find(chart.series());
  const column = series && series.columns.get(chart.column());
  if (!column) return null;
  const values = chart.steps ? column : smoothed(column, state.smoothing);
  const [lows, highs] = ['_low', '_high'].map(end => series.columns.get(chart.column() + end));
  const places = series[state.x], points = [], logarithmic = onLogScale(chart);
  values.forEach((value, i) => {
    const x = places[i];
    if (value === null || x === null || (state.logX && x <= 0) || (logarithmic && value <= 0)) return;
    const low = lows && lows[i] !== null && !(logarithmic && lows[i] <= 0) ? lows[i] : value;
    const high = highs && highs[i] !== null ? highs[i] : value;
    points.push({ x, low: Math.min(low, value), value, high: Math.max(high, value) });
  });
  return points;
}

// One column per run, one row per place where any has a point.
function rowsOfRuns(curves) {
  const all = [];
  curves.forEach((points, column) => points.forEach(point => all.push([point, column])));
  all.sort((a, b) => a[0].x - b[0].x);
  const rows = [];
  for (const [point, column] of all) {
    let row = rows[rows.length - 1];
    if (!row || row[0] !== point.x) {
      row = new Array(curves.length + 1).fill(null);
      row[0] = point.x;
      rows.push(row);
    }
    row[column + 1] = [point.low, point.value, point.high];
  }
  return rows;
}

// Its value at x, for ascending x; null before its start and after its end.
function walker(points, steps) {
  let i = 0;
  return x => {
    while (i + 1 < points.length && points[i + 1].x <= x) ++i;
    const here = points[i], next = points[i + 1];
    if (!here || x < here.x || (!next && x > here.x * (1 + 1e-9))) return null;
    if (steps || !next) return here.value;
    return here.value + (next.value - here.value) * (x - here.x) / (next.x - here.x);
  };
}

// The lowest place and the highest of all curves.
function extent(groups) {
  let low = Infinity, high = -Infinity;
  for (const curves of groups) for (const points of curves) for (const { x } of points) {
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}

// [lowest, mean, highest] of the curves at x; null where there is none.
function meanAt(walkers, x) {
  let low = Infinity, high = -Infinity, sum = 0, count = 0;
  for (const at of walkers) {
    const value = at(x);
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
    ++count;
  }
  return count ? [low, sum / count, high] : null;
}

// One column per group of curves: the mean of the runs, and the lowest and highest.
function rowsOfMeans(groups, steps) {
  const [low, high] = extent(groups);
  if (low > high) return [];
  const walkers = groups.map(curves => curves.map(points => walker(points, steps)));
  const rows = [], count = 300;
  for (let i = 0; i <= count; ++i) {
    const x = state.logX ? low * (high / low) ** (i / count) : low + (high - low) * i / count;
    rows.push([x, ...walkers.map(group => meanAt(group, x))]);
  }
  return rows;
}

const pointsOfMeans = (rows, column) => rows.filter(row => row[column]).map(row => {
  const [low, value, high] = row[column];
  return { x: row[0], low, value, high };
});

const mostLines = 150;  // more are a carpet, and slow
const mostPlaces = 20000;  // of all lines together; beyond, 300 places for all

// { rows, series, left }: series[i] tells what column i + 1 is, and its controller; left:
// how many lines were too many.
function chartData(chart) {
  const found = runsVisible().map(run => ({ run, points: curve(run, chart) }))
    .filter(item => item.points && item.points.length);
  if (state.mode !== 'means') {
    const left = Math.max(0, found.length - mostLines);
    found.length -= left;
    const curves = found.map(item => item.points);
    const places = curves.reduce((sum, points) => sum + points.length, 0);
    const rows = places > mostPlaces
      ? rowsOfMeans(curves.map(points => [points]), chart.steps) : rowsOfRuns(curves);
    return { rows, left, series: found.map(({ run, points }) =>
      ({ controller: run.controller, run, points })) };
  }
  const groups = new Map();
  for (const { run, points } of found) {
    if (!groups.has(run.controller)) groups.set(run.controller, []);
    groups.get(run.controller).push(points);
  }
  const rows = rowsOfMeans([...groups.values()], chart.steps);
  const series = [...groups].map(([controller, curves], i) =>
    ({ controller, count: curves.length, points: pointsOfMeans(rows, i + 1) }));
  return { rows, left: 0, series };
}
