// SPDX-License-Identifier: MIT
// What the reader chose, kept in the part of the address after "#", so that it survives
// a reload and can be passed on.
const state = {
  x: 'examples', smoothing: 0, logX: false, logY: false, mode: '', theme: '',
  comparison: 0, split: '', zoom: null, hidden: new Set(), hiddenSeeds: new Set(),
};

const switches = { logx: 'logX', logy: 'logY' };

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = name => Number(given.get(name)) || 0;
  const one = (name, known) => (known.includes(given.get(name)) ? given.get(name) : '');
  state.x = one('x', ['examples', 'updates', 'seconds']) || 'examples';
  state.smoothing = Math.min(Math.max(number('smooth'), 0), 0.99);
  for (const [short, name] of Object.entries(switches)) state[name] = given.get(short) === '1';
  state.mode = one('show', ['runs', 'means']);
  state.theme = one('theme', ['light', 'dark']);
  state.comparison = Math.max(0, Math.trunc(number('set')));
  state.split = (given.get('split') || '').slice(0, 60);
  const ends = (given.get('zoom') || '').split(',').map(Number);
  state.zoom = ends.length === 2 && ends.every(Number.isFinite) && ends[0] < ends[1] ? ends : null;
  state.hidden = new Set((given.get('hide') || '').split(' ').filter(Boolean).map(Number));
  state.hiddenSeeds = new Set((given.get('seeds') || '').split(' ').filter(Boolean).map(Number));
}

function writeState() {
  const now = new URLSearchParams();
  if (state.x !== 'examples') now.set('x', state.x);
  if (state.smoothing) now.set('smooth', state.smoothing);
  for (const [short, name] of Object.entries(switches)) if (state[name]) now.set(short, 1);
  if (state.mode) now.set('show', state.mode);
  if (state.theme) now.set('theme', state.theme);
  if (state.comparison) now.set('set', state.comparison);
  if (state.split) now.set('split', state.split);
  if (state.zoom) now.set('zoom', state.zoom.map(end => Number(end.toPrecision(8))).join(','));
  if (state.hidden.size) now.set('hide', [...state.hidden].join(' '));
  if (state.hiddenSeeds.size) now.set('seeds', [...state.hiddenSeeds].join(' '));
  const hash = '#' + now;
  if (hash !== (location.hash || '#')) history.replaceState(null, '', hash);
}
