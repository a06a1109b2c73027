// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axeFaults, closeBrowser, makePage, open, openBrowser, scrollThrough, temporaryFolder, writeRun, writeRuns } from './support.mjs';

before(openBrowser);
after(closeBrowser);

function ordinaryPage(t) {
  const folder = temporaryFolder(t);
  writeRuns(join(folder, 'runs'));
  return makePage(join(folder, 'runs'), join(folder, 'report.html'));
}

// The picture of a chart as text; empty where nothing is drawn.
const drawn = plot => plot.evaluate(element => {
  const canvas = element.querySelector('canvas');
  if (!canvas) return '';
  const blank = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  return canvas.toDataURL() === blank.toDataURL() ? '' : canvas.toDataURL();
});

test('all charts are drawn, and nothing is loaded, said or asked', async t => {
  const { page, faults, close } = await open(ordinaryPage(t));
  await scrollThrough(page);
  const plots = await page.locator('.plot').all();
  assert.equal(plots.length, 6);
  for (const plot of plots) assert.notEqual(await drawn(plot), '', await plot.getAttribute('aria-label'));
  assert.deepEqual(faults, []);
  await close();
});

test('every switch changes the picture, and the address keeps it', async t => {
  const { page, faults, close } = await open(ordinaryPage(t));
  const plot = page.locator('#chart-loss .plot');
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(100);
  let last = await drawn(plot);
  const changes = async (what, act) => {
    await act();
    await plot.scrollIntoViewIfNeeded();
    await page.waitForTimeout(100);
    const now = await drawn(plot);
    assert.notEqual(now, last, what);
    last = now;
  };
  await changes('over updates', () => page.getByLabel('updates', { exact: true }).check());
  await changes('over seconds', () => page.getByLabel('seconds', { exact: true }).check());
  await changes('logarithmic y', () => page.getByLabel('y', { exact: true }).check());
  await changes('logarithmic x', () => page.getByLabel('x', { exact: true }).check());
  await changes('smoothing', () => page.getByLabel(/smoothing/).fill('0.9'));
  await changes('means', () => page.getByLabel(/mean, lowest/).check());
  await changes('a controller', () => page.locator('#legend').getByLabel('phases').uncheck());
  await changes('a seed', () => page.locator('#legend .seeds').getByLabel('1').uncheck());
  await changes('zoom', () => page.getByLabel('zoom in').click());
  await changes('dark', () => page.getByRole('button', { name: 'dark' }).click());
  const hash = new URL(page.url()).hash;
  await page.reload();
  assert.equal(new URL(page.url()).hash, hash);
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(200);
  assert.equal(await page.locator('#legend').getByLabel('phases').isChecked(), false);
  assert.equal(await page.getByLabel('seconds', { exact: true }).isChecked(), true);
  assert.equal(await drawn(plot), last);
  assert.deepEqual(faults, []);
  await close();
});

test('zoom is linked: all charts show the same stretch', async t => {
  const { page, close } = await open(ordinaryPage(t));
  await scrollThrough(page);
  const ticks = id => page.locator(`#chart-${id} .dygraph-axis-label-x`).allInnerTexts();
  const whole = await ticks('loss');
  await page.getByLabel('zoom in').click();
  await page.waitForTimeout(100);
  assert.notDeepEqual(await ticks('loss'), whole);
  assert.deepEqual(await ticks('loss'), await ticks('accuracy'));
  await page.getByLabel('show all', { exact: true }).click();
  await page.waitForTimeout(100);
  assert.deepEqual(await ticks('loss'), whole);
  await close();
});

test('keys read values and reasons, and zoom', async t => {
  const { page, close } = await open(ordinaryPage(t));
  const figure = page.locator('#chart-batch_size');
  await figure.locator('.plot').focus();
  await page.waitForTimeout(150);
  await page.keyboard.press('ArrowRight');
  const first = await figure.locator('.readout').innerText();
  assert.match(first, /examples seen: constant, seed 0 32/);
  assert.match(first, /reason: constant/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await figure.locator('.readout').innerText(), first);
  await page.keyboard.press('+');
  assert.match(page.url(), /zoom=/);
  await page.keyboard.press('0');
  assert.doesNotMatch(page.url(), /zoom=/);
  await close();
});

test('the mouse reads values', async t => {
  const { page, close } = await open(ordinaryPage(t));
  const plot = page.locator('#chart-accuracy .plot');
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(150);
  await plot.hover({ position: { x: 250, y: 100 } });
  assert.match(await page.locator('#chart-accuracy .readout').innerText(), /examples seen: \w+, seed \d/);
  await close();
});

// Loss goes from 2 down to 1, accuracy from 0.33 up to 0.67.
function pageWithAGap(t) {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  for (const seed of [0, 1]) writeRun(join(runs, `${seed}`), { seed, points: 20 });
  const rows = [[5, 2, 1 / 3], [10, 'nan', 'nan'], [15, 1.5, 0.5], [20, 1, 2 / 3]].map(
    ([step, loss, accuracy]) => `${step},1,${32 * step},0,${step / 100},test,${loss},${accuracy},1\n`);
  for (const seed of [0, 1]) {
    writeFileSync(join(runs, `${seed}`, 'evaluations.csv'),
      'step,epoch,examples_seen,epochs_completed,training_seconds,split,loss,accuracy,training_loss\n' + rows.join(''));
  }
  return makePage(runs, join(folder, 'report.html'));
}

for (const mode of ['each run', 'mean, lowest to highest']) {
  test(`what is no number is a gap and no zero, and each chart has its column: ${mode}`, async t => {
    const { page, close } = await open(pageWithAGap(t));
    await page.getByRole('radio', { name: mode }).check();
    await scrollThrough(page);
    const range = async id => (await page.locator(`#chart-${id} .dygraph-axis-label-y`).allInnerTexts()).map(Number);
    assert.ok(Math.min(...await range('loss')) >= 0.9, `loss: ${await range('loss')}`);
    assert.ok(Math.max(...await range('loss')) <= 2.1, `loss: ${await range('loss')}`);
    assert.ok(Math.min(...await range('accuracy')) >= 0.25, `accuracy: ${await range('accuracy')}`);
    assert.ok(Math.max(...await range('accuracy')) <= 0.75, `accuracy: ${await range('accuracy')}`);
    assert.match(await page.locator('#words-loss').textContent(), /begins at 2, ends at 1;/);
    await close();
  });
}

test('the place of a value is in the unit chosen', async t => {
  const { page, close } = await open(pageWithAGap(t));
  const figure = page.locator('#chart-loss');
  for (const [unit, first] of [['examples', '480 examples seen'], ['updates', '15 updates'], ['seconds', '0.15 training seconds']]) {
    await page.getByLabel(unit, { exact: true }).check();
    await figure.locator('.plot').focus();
    await figure.locator('.x-name', { hasText: unit }).waitFor();
    await page.keyboard.press('ArrowRight');
    assert.equal(await figure.locator('.readout').innerText(), `${first}: constant, seed 0 1.5`);
  }
  await close();
});

test('decisions are filtered by controller and text', async t => {
  const { page, close } = await open(ordinaryPage(t));
  const rows = page.locator('#decisions tbody tr');
  assert.equal(await rows.count(), 12);  // 3 controllers x 3 seeds x 2, the first dozen
  await page.getByLabel('Controller', { exact: true }).selectOption('plateau');
  assert.equal(await rows.count(), 6);
  await page.getByLabel('text in a row').fill('DOUBLED');
  assert.equal(await rows.count(), 3);
  assert.match(await rows.first().innerText(), /plateau, seed 0.*constant, doubled/s);
  await close();
});

test('the answer stands in front, without scripts too', async t => {
  const { page, close } = await open(ordinaryPage(t), { javaScriptEnabled: false });
  const words = await page.locator('#summary').innerText();
  assert.match(words, /target is test_accuracy >= 0.85/);
  assert.match(words, /First in examples: constant, after [\d,.]+ examples on average \(not resolved against any other: may be chance\)/);
  assert.match(words, /None of these leads is resolved/);
  assert.ok(await page.locator('.drawing svg').count() >= 3);
  await close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no fault in ${colorScheme}`, async t => {
    const { page, close } = await open(ordinaryPage(t), { colorScheme });
    await scrollThrough(page);
    assert.deepEqual(await axeFaults(page), []);
    await close();
  });
}

test('light and dark follow the system until chosen', async t => {
  const path = ordinaryPage(t);
  const colour = page => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await open(path, { colorScheme: 'light' }), dark = await open(path, { colorScheme: 'dark' });
  assert.equal(await colour(light.page), 'rgb(255, 255, 255)');
  assert.equal(await colour(dark.page), 'rgb(20, 23, 26)');
  await dark.page.getByRole('button', { name: 'light' }).click();
  assert.equal(await colour(dark.page), 'rgb(255, 255, 255)');
  await light.close();
  await dark.close();
});

test('a phone needs no scrolling sideways', async t => {
  const { page, faults, close } = await open(ordinaryPage(t), { viewport: { width: 375, height: 700 }, hasTouch: true });
  await scrollThrough(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
  assert.deepEqual(faults, []);
  await close();
});

// Runs with more figures than a line of paper holds.
function widePage(t) {
  const folder = temporaryFolder(t), record = { evaluation_seconds: 0.2 };
  for (let i = 0; i < 20; ++i) record[`particular figure ${i}`] = 123456789 + i;
  for (const seed of [0, 1, 2]) writeRun(join(folder, 'runs', `${seed}`), { seed, record });
  return makePage(join(folder, 'runs'), join(folder, 'report.html'));
}

// Where things are on a page of paper, as the page itself sees it: before it is printed,
// and when the rules for paper are in force. An init script, for it must come first.
function watchPaper() {
  window.papers = [];
  const box = element => {
    const { left, top, right, bottom, width } = element.getBoundingClientRect();
    return { left, top, right, bottom, width };
  };
  const measure = when => window.papers.push({
    when, page: document.documentElement.clientWidth, needed: document.documentElement.scrollWidth,
    body: box(document.body), tables: [...document.querySelectorAll('table')].map(box),
    ink: getComputedStyle(document.body).color, controls: box(document.querySelector('#controls')).width,
    plots: [...document.querySelectorAll('.plot')].map(plot => ({ ...box(plot),
      inside: [...plot.querySelectorAll('canvas, .dygraph-axis-label')].map(box) })) });
  addEventListener('load', () => addEventListener('beforeprint', () => measure('before')));
  matchMedia('print').addEventListener('change', event => event.matches && measure('printing'));
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

for (const colorScheme of ['light', 'dark']) {
  test(`paper gets charts side by side, whole tables and no switches, from a ${colorScheme} page`, async t => {
    const { page, faults, close } = await open(widePage(t), { colorScheme }, watchPaper);
    const paper = (await page.pdf({ format: 'A4', margin: { left: '1cm', right: '1cm' } })).toString('latin1');
    const papers = await page.evaluate(() => window.papers);
    assert.deepEqual(papers.map(paper => paper.when), ['before', 'printing']);
    for (const { when, page: width, needed, body, tables, ink, controls, plots } of papers) {
      assert.equal(controls, 0);
      assert.equal(ink, 'rgb(0, 0, 0)');
      assert.ok(body.width <= 718 && body.right <= width, `${when}: body ${JSON.stringify(body)} in ${width}`);
      if (when === 'before') assert.ok(needed <= width, `${needed} in ${width}`);
      for (const table of tables) assert.ok(table.right <= body.right + 1, `${when}: table ${JSON.stringify(table)}`);
      assert.equal(plots.length, 6);
      plots.forEach((plot, i) => {
        assert.ok(plot.width < body.width / 2 && plot.right <= body.right + 1, `${when}: ${JSON.stringify(plot)}`);
        assert.ok(plot.inside.length > 3, `${when}: ${plot.inside.length} parts`);
        for (const part of plot.inside) {
          assert.ok(part.left >= plot.left - 1 && part.right <= plot.right + 40 && part.bottom <= plot.bottom + 1,
            `${when}: ${JSON.stringify(part)} in ${JSON.stringify(plot)}`);
        }
        for (const other of plots.slice(i + 1)) assert.ok(!overlap(plot, other), `${when}: plots overlap`);
      });
    }
    const pictures = paper.match(/\/Subtype \/Image\s+\/Width 1\d{3}\b/g) || [];  // three dots a pixel
    assert.ok(pictures.length >= 6, `${pictures.length} pictures`);
    assert.deepEqual(faults, []);
    await close();
  });
}

test('after printing the charts are as before', async t => {
  const { page, faults, close } = await open(ordinaryPage(t));
  await scrollThrough(page);
  const plot = page.locator('#chart-loss .plot');
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(100);
  const first = await drawn(plot);
  await page.pdf({ format: 'A4' });
  await plot.scrollIntoViewIfNeeded();
  await page.waitForTimeout(200);
  assert.equal(await drawn(plot), first);
  assert.equal(await page.locator('#controls').isVisible(), true);
  assert.equal(await page.evaluate(() => document.querySelector('#costs table').style.zoom), '');
  assert.deepEqual(faults, []);
  await close();
});

test('paper names the experiment and what else the switches chose', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  for (const specification of ['one', 'two']) writeRun(join(runs, specification), { specification });
  const { page, faults, close } = await open(makePage(runs, join(folder, 'report.html')));
  const chosen = page.locator('.chosen');
  assert.equal(await chosen.isVisible(), false);
  await page.getByLabel('Experiment').selectOption('two');
  await page.getByLabel(/smoothing/).fill('0.9');
  await page.pdf({ format: 'A4' });
  assert.equal(await chosen.textContent(), 'Experiment two; loss and accuracy on test; each run; smoothing 0.9.');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await chosen.isVisible(), true);
  assert.deepEqual(faults, []);
  await close();
});

// Batch losses of 1 and 3 at the first step, 2 and 6 at the last, so means of 2 and 4.
test('in means the words are of the means, and the heading tells what the band is', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  for (const seed of [0, 1]) {
    writeRun(join(runs, `${seed}`), { seed, points: 20 });
    const row = (step, loss) => `${step},1,${32 * step},0,32,0.001,${loss * (1 + 2 * seed)},${step / 100},50,40,70\n`;
    writeFileSync(join(runs, `${seed}`, 'steps.csv'),
      'step,epoch,examples_seen,epochs_completed,batch_size,learning_rate,batch_loss,training_seconds,noise_scale,' +
      'noise_scale_low,noise_scale_high\n' + row(1, 1) + row(10, 1.5) + row(20, 2));
  }
  const { page, faults, close } = await open(makePage(runs, join(folder, 'report.html')));
  await scrollThrough(page);
  const words = page.locator('#words-other'), heading = page.locator('#chart-noise_scale figcaption');
  assert.match(await words.textContent(), /^2 lines .*constant: begins at 1 to 3, ends at 2 to 6;/);
  assert.match(await heading.innerText(), /with its interval/);
  await page.getByLabel(/mean, lowest/).check();
  await scrollThrough(page);
  assert.match(await words.textContent(), /^1 line .*mean of 2 runs: begins at 2 \(1 to 3\), ends at 4 \(2 to 6\);/);
  assert.match(await heading.innerText(), /lowest to highest/);
  assert.doesNotMatch(await heading.innerText(), /interval/);
  assert.deepEqual(faults, []);
  await close();
});

test('a chart without a value is a line that says so, until there is one', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  for (const specification of ['with', 'without']) {
    writeRun(join(runs, specification), { specification, column: specification === 'with' ? 'noise_scale' : 'other' });
  }
  const file = join(runs, 'without', 'evaluations.csv');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"[^"]*"(,"[^"]*"\n)/g, (all, end, at) => (at < 130 ? all : `"nan"${end}`)));
  const { page, faults, close } = await open(makePage(runs, join(folder, 'report.html')));
  const height = id => page.locator(`#chart-${id}`).evaluate(figure => figure.getBoundingClientRect().height);
  for (const [experiment, empty] of [['without', true], ['with', false], ['without', true]]) {
    await page.getByLabel('Experiment').selectOption(experiment);
    await scrollThrough(page);
    for (const id of ['noise_scale', 'accuracy']) {
      assert.equal(await height(id) < 80, empty, `${experiment}: ${id} ${await height(id)}`);
      assert.equal(await page.locator(`#chart-${id} .empty`).count(), empty ? 1 : 0);
      assert.equal(await page.locator(`#chart-${id} canvas`).count() > 0, !empty);
    }
    assert.ok(await height('loss') > 200);
  }
  assert.deepEqual(faults, []);
  await close();
});

test('batch sizes are on a logarithmic scale, losses on none', async t => {
  const { page, close } = await open(ordinaryPage(t));
  await scrollThrough(page);
  assert.match(await page.locator('#chart-batch_size .x-name').innerText(), /logarithmic scale on the left/);
  assert.doesNotMatch(await page.locator('#chart-loss .x-name').innerText(), /logarithmic/);
  await close();
});

test('on a phone drawings are legible, and what goes on to the right has a shadow', async t => {
  const { page, close } = await open(widePage(t), { viewport: { width: 390, height: 800 }, hasTouch: true });
  const sizes = await page.locator('.drawing svg').evaluateAll(all => all.map(svg => {
    const text = svg.querySelector('text');
    return parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  }));
  assert.ok(sizes.length > 2);
  for (const size of sizes) assert.ok(size >= 8, `${size} px`);
  for (const place of await page.locator('.scroll, .drawing').all()) {
    assert.match(await place.evaluate(element => getComputedStyle(element).backgroundImage), /gradient/);
  }
  const lines = await page.locator('#costs table').evaluate(table => {
    const column = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent === 'where the time went');
    return [...table.tBodies[0].rows].map(({ cells }) => {
      const text = document.createRange();
      text.selectNodeContents(cells[column]);
      return new Set([...text.getClientRects()].map(line => line.top)).size;
    });
  });
  assert.equal(lines.length, 3);
  for (const count of lines) assert.ok(count > 0 && count <= 2, `${count} lines`);
  assert.deepEqual(await axeFaults(page), []);
  await close();
});

test('the same table of several experiments has a name of its own in each', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  for (const specification of ['one', 'two', 'three']) {
    for (const controller of ['constant', 'phases']) {
      writeRun(join(runs, specification + controller), { specification, controller });
    }
  }
  const { page, close } = await open(makePage(runs, join(folder, 'report.html')));
  await scrollThrough(page);
  const names = await page.getByRole('region').evaluateAll(all => all.map(region => region.getAttribute('aria-label')));
  assert.ok(names.length > 6);
  assert.equal(new Set(names).size, names.length, names.join('\n'));
  assert.deepEqual(await axeFaults(page), []);
  await close();
});
