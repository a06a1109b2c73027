// SPDX-License-Identifier: MIT
// The switches for all charts at once, the legend, and light or dark.
function redraw() {
  writeState();
  drawCharts();
}

function radios(title, name, choices, key) {
  return element('fieldset', {}, element('legend', {}, title), ...choices.map(([value, text]) =>
    element('label', {}, element('input', { type: 'radio', name, value,
      checked: state[key] === value, change: () => {
        state[key] = value;
        if (key === 'x') state.zoom = null;
        redraw();
      } }), text)));
}

function checkbox(text, checked, change, ...before) {
  const box = element('input', { type: 'checkbox', checked, change: () => change(box.checked) });
  return element('label', {}, box, ...before, text);
}

function smoothingSlider() {
  const shown = element('output', {}, figure(state.smoothing));
  const slider = element('input', { type: 'range', min: 0, max: 0.99, step: 0.01,
    value: state.smoothing, 'aria-label': 'smoothing of curves, 0 for none', input: () => {
      state.smoothing = Number(slider.value);
      shown.textContent = figure(state.smoothing);
      redraw();
    } });
  return element('fieldset', {}, element('legend', {}, 'Smoothing'), slider, shown);
}

function button(text, name, click) {
  return element('button', { type: 'button', 'aria-label': name, title: name, click }, text);
}

function choice(title, options, value, change) {
  const select = element('select', { 'aria-label': title, change: () => change(select.value) },
    ...options.map(([key, text]) => element('option', { value: key, selected: key === value }, text)));
  return element('fieldset', {}, element('legend', {}, title), select);
}

function splits() {
  return [...new Set(runsShown().flatMap(run => run.series.map(series => series.name)))]
    .filter(name => name !== 'steps');
}

// A short line in the colour and dashes of a controller.
function swatch(controller) {
  const canvas = element('canvas', { class: 'swatch', width: 56, height: 16, 'aria-hidden': 'true' });
  canvas.style.width = '28px';
  canvas.style.height = '8px';
  const context = canvas.getContext('2d');
  context.strokeStyle = colourOf(controller);
  context.lineWidth = 5;
  context.setLineDash((dashOf(controller) || []).map(length => 2 * length));
  context.beginPath();
  context.moveTo(0, 8);
  context.lineTo(56, 8);
  context.stroke();
  return canvas;
}

function toggle(set, member, on) {
  if (on) set.delete(member);
  else set.add(member);
  redraw();
}

// What the switches chose, for paper, which has no switches.
function chosenInWords() {
  const { specification } = shownComparison(), words = [];
  if (data.comparisons.length > 1) words.push('Experiment ', bdi(specification), '; ');
  if (state.split) words.push('loss and accuracy on ', bdi(state.split), '; ');
  words.push(state.mode === 'means' ? 'mean, lowest to highest run' : 'each run');
  if (state.smoothing) words.push(`; smoothing ${figure(state.smoothing)}`);
  if (state.zoom) words.push('; a part of the whole');
  return element('p', { class: 'chosen' }, ...words, '.');
}

function buildLegend() {
  const names = shownComparison().controllers;
  const shown = new Set(runsShown().map(run => run.controller));
  const seeds = [...new Set(runsShown().map(run => run.seed))].sort((a, b) => a - b);
  const all = on => {
    state.hidden = on ? new Set() : new Set(shown);
    buildLegend();
    redraw();
  };
  document.getElementById('legend').replaceChildren(chosenInWords(),
    element('fieldset', {}, element('legend', {}, 'Controllers'), ...[...shown].map(index =>
      checkbox(bdi(names[index]), !state.hidden.has(index), on => toggle(state.hidden, index, on), swatch(index))),
      names.length > 3 ? button('all', 'show all controllers', () => all(true)) : '',
      names.length > 3 ? button('none', 'hide all controllers', () => all(false)) : ''),
    element('fieldset', { class: 'seeds' }, element('legend', {}, 'Seeds'), ...seeds.slice(0, 50).map(seed =>
      checkbox(String(seed), !state.hiddenSeeds.has(seed), on => toggle(state.hiddenSeeds, seed, on)))));
}

function buildControls() {
  const known = splits();
  if (!known.includes(state.split)) {
    state.split = known.includes(shownComparison().split) ? shownComparison().split : known[0] || '';
  }
  const parts = [
    radios('Over', 'x', [['examples', 'examples'], ['updates', 'updates'], ['seconds', 'seconds']], 'x'),
    radios('Lines', 'mode', [['runs', 'each run'], ['means', 'mean, lowest to highest']], 'mode'),
    smoothingSlider(),
    element('fieldset', {}, element('legend', {}, 'Logarithmic'),
      checkbox('x', state.logX, on => { state.logX = on; state.zoom = null; redraw(); }),
      checkbox('y', state.logY, on => { state.logY = on; redraw(); })),
    element('fieldset', {}, element('legend', {}, 'Zoom (or drag in a chart)'),
      button('+', 'zoom in', () => zoomBy(0.5)), button('−', 'zoom out', () => zoomBy(2)),
      button('←', 'move left', () => zoomBy(1, -0.25)), button('→', 'move right', () => zoomBy(1, 0.25)),
      button('all', 'show all', () => zoomAll(null, null))),
  ];
  if (known.length > 1) {
    parts.push(choice('Loss and accuracy on', known.map(name => [name, name]), state.split, value => {
      state.split = value;
      redraw();
    }));
  }
  if (data.comparisons.length > 1) {
    parts.unshift(choice('Experiment', data.comparisons.map((one, i) => [String(i), one.specification]),
      String(state.comparison), value => {
        Object.assign(state, { comparison: Number(value), zoom: null, hidden: new Set() });
        buildAll();
        redraw();
      }));
  }
  document.getElementById('controls').replaceChildren(...parts);
}

function buildAll() {
  buildControls();
  buildLegend();
}

function applyTheme() {
  const root = document.documentElement;
  if (state.theme) root.setAttribute('data-theme', state.theme);
  else root.removeAttribute('data-theme');
  for (const each of document.querySelectorAll('#theme button')) {
    each.setAttribute('aria-pressed', String(each.value === state.theme));
  }
}

function buildTheme() {
  const place = document.getElementById('theme');
  place.hidden = false;
  place.append(...[['', 'as the system'], ['light', 'light'], ['dark', 'dark']].map(([value, text]) =>
    element('button', { type: 'button', value, click: () => {
      state.theme = value;
      applyTheme();
      buildLegend();
      redraw();
    } }, text)));
}
