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

// Paper is narrower, white, and has no "into view".
addEventListener('beforeprint', () => {
  for (const chart of charts) if (chart.plot && (chart.stale || !chart.graph)) draw(chart);
  document.body.style.width = '690px';
  for (const chart of charts) if (chart.graph) chart.graph.resize();
});
addEventListener('afterprint', () => {
  document.body.style.width = '';
  for (const chart of charts) if (chart.graph) chart.graph.resize();
});
