// SPDX-License-Identifier: MIT
// The charts: drawn when they come into view, linked in zoom, read by mouse and keys.
const xNames = { examples: 'examples seen', updates: 'updates', seconds: 'training seconds' };
const manyRuns = 40;  // beyond, the page starts with a mean per controller
let others = [], otherColumn = '', onPaper = false;

const charts = [
  { id: 'batch_size', name: 'Batch size', series: () => 'steps', column: () => 'batch_size', steps: true, log: true },
  { id: 'learning_rate', name: 'Learning rate', series: () => 'steps', column: () => 'learning_rate', steps: true },
  { id: 'noise_scale', name: 'Noise scale', series: () => 'steps', column: () => 'noise_scale', log: true, interval: true },
  { id: 'loss', name: 'Loss', series: () => state.split, column: () => 'loss' },
  { id: 'accuracy', name: 'Accuracy', series: () => state.split, column: () => 'accuracy' },
  { id: 'other', name: 'Another column of steps.csv', series: () => 'steps', column: () => otherColumn },
];

// The legend of dygraphs writes a style attribute, which the policy of this page forbids.
Dygraph.PLUGINS = Dygraph.PLUGINS.filter(plugin => plugin !== Dygraph.Plugins.Legend);

// A batch size doubles; a noise scale runs over decades, its first intervals over more.
const onLogScale = chart => state.logY || chart.log === true;

// The band around a noise scale is its interval, or the extent of several runs.
function title(chart) {
  if (!chart.interval) return chart.name;
  return chart.name + (state.mode === 'means' ? ', lowest to highest over runs' : ', with its interval');
}

function seriesOptions(chart) {
  const options = {};
  chart.data.series.forEach(({ controller }, i) => {
    options['' + i] = { color: colourOf(controller), strokePattern: dashOf(controller) };
  });
  return options;
}

function seriesName(chart, i) {
  const { controller, run, count } = chart.data.series[i];
  const name = shownComparison().controllers[controller];
  return [bdi(name), run ? `, seed ${run.seed}` : `, mean of ${count} runs`];
}

// The decision in force at update `step` of a run.
function decisionAt(run, step) {
  const { columns, rows } = run.decisions;
  const at = columns.indexOf('step'), reason = columns.indexOf('reason');
  let found = null;
  for (const row of rows) if (at >= 0 && row[at] <= step) found = row;
  return found && reason >= 0 ? String(found[reason]) : '';
}

// The update of a run at place x, as far as its points tell.
function updateAt(run, x) {
  const series = run.find('steps');
  if (!series) return 0;
  const places = series[state.x];
  let i = 0;
  while (i + 1 < places.length && places[i + 1] <= x) ++i;
  return series.updates[i] - 1;  // a decision's row has the updates made before it
}

// Values at a place, in words; the series pointed at first, with the reason.
function readOut(chart, row, pointed) {
  const line = chart.data.rows[row], i = Number(pointed);
  chart.readout.replaceChildren();
  if (!line || !chart.data.series[i]) return;
  const value = line[i + 1];
  const words = value === null ? 'no value here' : figure(value[1]) +
    (value[0] < value[2] ? ` (${figure(value[0])} to ${figure(value[2])})` : '');
  chart.readout.append(`${figure(line[0])} ${xNames[state.x]}: `,
    element('strong', {}, ...seriesName(chart, i)), ` ${words}`);
  const { run } = chart.data.series[i];
  const reason = run && chart.steps ? decisionAt(run, updateAt(run, line[0])) : '';
  if (reason) chart.readout.append(element('br'), 'reason: ', bdi(reason));
}

let linking = false;
function zoomAll(range, source) {
  if (linking) return;
  linking = true;
  state.zoom = range;
  for (const chart of charts) {
    if (chart.graph && chart !== source) chart.graph.updateOptions({ dateWindow: range });
  }
  linking = false;
  writeState();
}

// Narrows (factor < 1) or widens around the middle, or moves by a part of the width.
function zoomBy(factor, move = 0) {
  const drawn = charts.find(chart => chart.graph);
  if (!drawn) return;
  const [low, high] = drawn.graph.xAxisRange(), [least, most] = drawn.graph.xAxisExtremes();
  const half = (high - low) / 2 * factor, middle = (low + high) / 2 + move * (high - low);
  const range = [Math.max(least, middle - half), Math.min(most, middle + half)];
  if (range[1] > range[0]) zoomAll(range[0] <= least && range[1] >= most ? null : range, null);
}

// Arrows walk along a line and between lines; + and - zoom, 0 shows all.
function onKey(chart, event) {
  const { rows, series } = chart.data, keys = {
    ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '+') zoomBy(0.5);
  else if (event.key === '-') zoomBy(2);
  else if (event.key === '0') zoomAll(null, null);
  else if (keys[event.key] && rows.length) {
    const [along, across] = keys[event.key];
    chart.at = chart.at || { row: 0, series: 0 };
    chart.at.series = (chart.at.series + across + series.length) % series.length;
    let row = chart.at.row + along;
    const has = i => rows[i] && rows[i][chart.at.series + 1] !== null;
    while (row > 0 && row < rows.length - 1 && !has(row)) row += along || 1;
    chart.at.row = Math.min(Math.max(row, 0), rows.length - 1);
    if (chart.graph) chart.graph.setSelection(chart.at.row, '' + chart.at.series, true);
    readOut(chart, chart.at.row, chart.at.series);
  } else return;
  event.preventDefault();
}

function options(chart) {
  return {
    labels: ['x', ...chart.data.series.map((_, i) => '' + i)],
    series: seriesOptions(chart), customBars: true, connectSeparatedPoints: true,
    stepPlot: chart.steps === true, logscale: onLogScale(chart), dateWindow: state.zoom,
    pixelRatio: onPaper ? 3 : null, strokeWidth: 1.5, fillAlpha: 0.15, highlightCircleSize: 3, animatedZooms: false,
    drawPoints: chart.data.rows.length < 3, pointSize: 3,
    highlightSeriesOpts: { strokeWidth: 3 }, highlightSeriesBackgroundAlpha: 0.7,
    highlightSeriesBackgroundColor: getComputedStyle(document.body).backgroundColor,
    axisLineColor: getComputedStyle(document.body).color,
    gridLineColor: getComputedStyle(document.documentElement).getPropertyValue('--line').trim(),
    axes: {
      x: { logscale: state.logX, axisLabelFormatter: figure, axisLabelWidth: 70, pixelsPerLabel: 70 },
      y: { axisLabelFormatter: figure, axisLabelWidth: 58 },
    },
    highlightCallback: (event, x, points, row, name) => readOut(chart, row, name),
    zoomCallback: (low, high) => {
      const [least, most] = chart.graph.xAxisExtremes();
      zoomAll(low <= least && high >= most ? null : [low, high], chart);
    },
  };
}

const range = (low, high) => {
  const [first, last] = [low, high].map(figure);
  return first === last ? first : `${first} to ${last}`;
};

// The lines of a controller at one of their ends: the range of its runs, or their mean
// with the lowest and the highest.
function endWords(ends) {
  const [{ low, value, high }] = ends, values = ends.map(end => end.value);
  if (state.mode !== 'means') return range(Math.min(...values), Math.max(...values));
  return figure(value) + (figure(low) === figure(high) ? '' : ` (${range(low, high)})`);
}

// Each controller's first and last value in a sentence: what a picture cannot tell
// everybody.
function inWords(chart) {
  const groups = new Map(), parts = [], { series } = chart.data;
  for (const { controller, points, count } of series) {
    if (!points.length) continue;
    if (!groups.has(controller)) groups.set(controller, { count, lines: [] });
    groups.get(controller).lines.push(points);
  }
  for (const [controller, { count, lines }] of [...groups].slice(0, 12)) {
    const [first, last] = [0, -1].map(place => endWords(lines.map(points => points.at(place))));
    parts.push(bdi(shownComparison().controllers[controller]), count ? `, mean of ${count} runs` : '',
      `: begins at ${first}, ends at ${last}; `);
  }
  if (groups.size > 12) parts.push(`and ${groups.size - 12} more controllers; `);
  const band = state.mode === 'means' ? ', in brackets the lowest and the highest run' : '';
  return [`${series.length} line${series.length === 1 ? '' : 's'} over ${xNames[state.x]}${band}. `, ...parts];
}

// A canvas is printed as its strokes, of which readers of PDF show few; a copy of it is
// printed as a picture.
function toPicture(canvas) {
  const copy = canvas.cloneNode();
  copy.getContext('2d').drawImage(canvas, 0, 0);
  canvas.replaceWith(copy);
}

// Heading and frame; a chart without a point is no more than a line that says so.
function frame(chart) {
  const nothing = !runsVisible().some(run => (curve(run, chart) || []).length);
  chart.heading.textContent = title(chart);
  chart.figure.classList.toggle('nothing', nothing);
  chart.plot.tabIndex = nothing ? -1 : 0;
  chart.plot.setAttribute('aria-label',
    `${title(chart)}: arrow keys read values, plus and minus zoom, 0 shows all`);
  return nothing;
}

function draw(chart) {
  const nothing = frame(chart);
  chart.stale = false;
  if (chart.graph) chart.graph.destroy();
  chart.graph = null;
  chart.at = null;
  chart.data = chartData(chart);
  chart.readout.replaceChildren();
  chart.words.replaceChildren();
  chart.xName.textContent = xNames[state.x] + (state.logX ? ', logarithmic' : '') +
    (onLogScale(chart) ? '; logarithmic scale on the left' : '') +
    (chart.data.left ? `; ${figure(chart.data.left)} more runs are not drawn: hide some controllers` : '');
  chart.plot.replaceChildren();
  if (nothing) {
    const above = state.logX || onLogScale(chart) ? ' that a logarithmic scale can show' : '';
    chart.plot.append(element('p', { class: 'empty' }, `No run shown has a value of this${above}.`));
    return;
  }
  chart.graph = new Dygraph(chart.plot, chart.data.rows, options(chart));
  if (onPaper) for (const canvas of chart.plot.querySelectorAll('canvas')) toPicture(canvas);
  chart.words.replaceChildren(...inWords(chart));
}

// The first chart is where a reader scrolls to: it does not wait to be seen.
const wanted = chart => chart.visible || chart === charts[0];

// One chart a task: the first is on the screen before the next is begun, and switches
// answer in between.
const waiting = [];
function drawNext() {
  const chart = waiting.shift();
  if (wanted(chart) && chart.stale) draw(chart);
  if (waiting.length) setTimeout(drawNext);
}

function drawSoon(chart) {
  if (!waiting.includes(chart) && waiting.push(chart) === 1) setTimeout(drawNext);
}

const seen = new IntersectionObserver(entries => {
  for (const entry of entries) {
    const chart = charts.find(other => other.plot === entry.target);
    chart.visible = entry.isIntersecting;
    if (chart.visible && chart.stale) drawSoon(chart);
  }
}, { rootMargin: '200px' });

// Draws what is in view and the first again, and the rest when it comes into view; on
// paper all of it at once.
function drawCharts() {
  for (const chart of charts.filter(one => one.figure)) {
    chart.stale = true;
    if (frame(chart) || onPaper) draw(chart);
    else if (wanted(chart)) drawSoon(chart);
  }
}

function otherSelect(chart) {
  const select = element('select', { 'aria-label': 'column', change: () => {
    otherColumn = select.value;
    draw(chart);
  } }, ...others.map(name => element('option', { value: name }, name)));
  return select;
}

function buildCharts() {
  const known = charts.map(chart => chart.column());
  others = [...new Set(data.runs.flatMap(run => [...(run.find('steps') || { columns: new Map() })
    .columns.keys()]))].filter(name => !known.includes(name) && !/_(low|high)$/.test(name));
  otherColumn = others[0] || '';
  for (const chart of charts) {
    chart.plot = element('div', { class: 'plot', role: 'application',
      'aria-describedby': 'words-' + chart.id, keydown: event => onKey(chart, event) });
    chart.readout = element('output', { class: 'readout' });
    chart.xName = element('p', { class: 'x-name' });
    chart.words = element('p', { class: 'words', id: 'words-' + chart.id });
    chart.heading = element('span');
    if (chart.id === 'other' && !others.length) continue;
    chart.figure = element('figure', { id: 'chart-' + chart.id },
      element('figcaption', {}, chart.heading, chart.id === 'other' ? otherSelect(chart) : ''),
      chart.plot, chart.xName, chart.readout,
      element('details', {}, element('summary', { class: 'words' }, 'in words'), chart.words));
    document.getElementById('plots').append(chart.figure);
    seen.observe(chart.plot);
  }
}
