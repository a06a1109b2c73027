// SPDX-License-Identifier: MIT
// Decisions with their reasons as a table, with filters, a dozen rows at first.
const rowsAtFirst = 12, rowsAtATime = 200;

function matching(filter) {
  const found = [], words = filter.text.toLowerCase();
  for (const run of data.runs) {
    if (filter.controller && filter.controller !== controllerName(run)) continue;
    if (filter.seed !== '' && filter.seed !== String(run.seed)) continue;
    const size = run.decisions.columns.indexOf('batch_size');
    let before = null;
    for (const row of run.decisions.rows) {
      const same = size >= 0 && row[size] === before;
      before = row[size];
      if (filter.changes && same) continue;
      if (!words || row.some(cell => String(cell).toLowerCase().includes(words))) found.push([run, row]);
    }
  }
  return found;
}

function decisionRow(columns, [run, row]) {
  const cells = columns.map(name => {
    const value = row[run.decisions.columns.indexOf(name)];
    if (typeof value === 'number') return element('td', {}, figure(value));
    return element('td', { class: 'text' }, bdi(value === undefined ? '' : value));
  });
  return element('tr', {}, element('th', { scope: 'row' }, bdi(controllerName(run)), `, seed ${run.seed}`), ...cells);
}

function buildDecisions() {
  const columns = [...new Set(data.runs.flatMap(run => run.decisions.columns))];
  const place = document.getElementById('decision-table');
  const left = data.runs.reduce((sum, run) => sum + run.decisions.read - run.decisions.rows.length, 0);
  if (!columns.length) return place.append(element('p', { class: 'empty' }, 'No run has logged decisions.'));
  const filter = { controller: '', seed: '', text: '', changes: true };
  const body = element('tbody'), count = element('p', { class: 'quiet', role: 'status' });
  let found = [], shown = 0;
  const more = button('more rows', 'show more rows', () => show());
  function show() {
    const next = Math.min(found.length, shown + (shown ? rowsAtATime : rowsAtFirst));
    body.append(...found.slice(shown, next).map(item => decisionRow(columns, item)));
    shown = next;
    more.hidden = shown === found.length;
    count.textContent = `${figure(shown)} of ${figure(found.length)} rows shown` +
      (left ? `; ${left.toLocaleString('en-US')} more are in the runs' decisions.csv` : '');
  }
  function search() {
    found = matching(filter);
    shown = 0;
    body.replaceChildren();
    show();
  }
  const set = key => value => { filter[key] = value; search(); };
  const names = [...new Set(data.runs.map(controllerName))], seeds = [...new Set(data.runs.map(run => String(run.seed)))];
  const text = element('input', { type: 'search', 'aria-label': 'text in a row', input: () => set('text')(text.value) });
  place.append(
    element('div', { class: 'switches' },
      choice('Controller', [['', 'all'], ...names.map(name => [name, name])], '', set('controller')),
      choice('Seed', [['', 'all'], ...seeds.map(seed => [seed, seed])], '', set('seed')),
      element('fieldset', {}, element('legend', {}, 'Holding the text'), text),
      element('fieldset', {}, element('legend', {}, 'Only'),
        checkbox('changes of the batch size', true, set('changes')))),
    count,
    element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'decisions' },
      element('table', {}, element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'run'),
        ...columns.map(name => element('th', { scope: 'col', class: /reason|limited|moments/.test(name) ? 'text' : null }, bdi(name.replaceAll('_', ' ')))))), body)),
    more);
  search();
}
