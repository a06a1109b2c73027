// SPDX-License-Identifier: MIT
// The data of the page, and elements whose text is only ever text.
const data = JSON.parse(document.getElementById('data').textContent);

// element('p', { class: 'quiet' }, 'text', child): attributes by name, functions as
// listeners.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const bdi = text => element('bdi', {}, text);

// Columns that grow are stored as their differences; null is a row without a place.
function summed(steps) {
  let sum = 0;
  return steps.map(step => (step === null ? null : (sum += step)));
}

// A series as it is used: summed once, when it is first asked for.
function prepared(series) {
  if (!(series.columns instanceof Map)) {
    series.examples = summed(series.examples);
    series.updates = summed(series.updates);
    series.columns = new Map(series.columns);
  }
  return series;
}

for (const run of data.runs) {
  run.find = name => {
    const series = run.series.find(one => one.name === name);
    return series && prepared(series);
  };
}

const shownComparison = () => data.comparisons[state.comparison] || data.comparisons[0];
const runsShown = () => data.runs.filter(run => run.comparison === state.comparison);
const runsVisible = () => runsShown().filter(
  run => !state.hidden.has(run.controller) && !state.hiddenSeeds.has(run.seed));
const controllerName = run => data.comparisons[run.comparison].controllers[run.controller];

// Four significant digits, thousands separated.
function figure(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2);
  return size >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(4)));
}

// Colour and dashes of a controller, as in the drawings; no two of 28 are the same.
const dashes = [null, [8, 3], [2, 3], [9, 3, 2, 3]];
const colourOf = index =>
  getComputedStyle(document.documentElement).getPropertyValue('--s' + index % 7).trim();
const dashOf = index => dashes[(index % 7 + Math.floor(index / 7)) % 4];
