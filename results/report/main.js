// SPDX-License-Identifier: MIT
// Start: the state from the address, then everything that depends on it.
readState();
if (state.comparison >= data.comparisons.length) state.comparison = 0;
buildTheme();
applyTheme();
if (data.runs.length) {
  if (!state.mode) state.mode = runsShown().length > manyRuns ? 'means' : 'runs';
  buildAll();
  buildCharts();
  drawCharts();
}
buildDecisions();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => data.runs.length && (buildLegend(), drawCharts()));

// A live page: by script, for a refresh by the browser forgets what is after "#".
const refresh = document.querySelector('meta[name="refresh"]');
if (refresh) setTimeout(() => location.reload(), 1000 * Number(refresh.content));

// Paper is narrower, white, and has no "into view". A browser applies the rules for
// paper only after "beforeprint": they are put in force before, for what is drawn and
// measured here to be what is printed.
const paperRules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
  .filter(rule => rule.media && rule.media.mediaText === 'print');

function toPaper(on) {
  for (const rule of paperRules) rule.media.mediaText = on ? 'all' : 'print';
  for (const table of document.querySelectorAll('.scroll table')) {
    table.style.zoom = '';
    if (on) table.style.zoom = Math.min(1, document.body.clientWidth / table.offsetWidth);
  }
  onPaper = on;
  if (!data.runs.length) return;
  buildLegend();
  drawCharts();
}
addEventListener('beforeprint', () => toPaper(true));
addEventListener('afterprint', () => toPaper(false));
