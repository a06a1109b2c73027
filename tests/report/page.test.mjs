// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, makePage, open, openBrowser, scrollThrough, seriousFaults, temporaryFolder, writeRun, writeRuns } from './support.mjs';

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
    await page.waitForTimeout(150);
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
  assert.match(words, /examples to the target: constant \(mean [\d,.]+; not resolved against any other\)/);
  assert.match(words, /None of these leads is resolved/);
  assert.ok(await page.locator('.drawing svg').count() >= 3);
  await close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing serious in ${colorScheme}`, async t => {
    const { page, close } = await open(ordinaryPage(t), { colorScheme });
    await scrollThrough(page);
    assert.deepEqual(await seriousFaults(page), []);
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

test('paper gets charts and no switches', async t => {
  const { page, faults, close } = await open(ordinaryPage(t));
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('#controls').isVisible(), false);
  const paper = await page.pdf({ format: 'A4' });
  assert.ok(paper.length > 50000, `${paper.length} bytes`);
  for (const plot of await page.locator('.plot').all()) assert.notEqual(await drawn(plot), '');
  assert.deepEqual(faults, []);
  await close();
});
