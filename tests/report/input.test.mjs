// SPDX-License-Identifier: MIT
//
// Whatever is in the files of runs: text stays text, and the page stays usable.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, makePage, open, openBrowser, program, scrollThrough, temporaryFolder, writeRun, writeRuns } from './support.mjs';

before(openBrowser);
after(closeBrowser);

const payloads = [
  '<script>alert(1)</script>', '</script><script>alert(2)</script>', '<!--<script>', '-->', ']]>',
  '<img src=x onerror=alert(3)>', '<svg onload=alert(4)>', '"><img src=x onerror=alert(5)>',
  "' onmouseover='alert(6)", '" autofocus onfocus="alert(7)', 'javascript:alert(8)',
  '<iframe src="javascript:alert(9)">', '<a href="https://example.org">x</a>', '<base href="https://example.org/">',
  '<meta http-equiv="refresh" content="0;url=https://example.org">', '<style>*{display:none}</style>',
  '<link rel=stylesheet href=https://example.org/x.css>', '</style><b>', '</title><script>alert(10)</script>',
  '${alert(11)}', '{{constructor.constructor("alert(12)")()}}', '&lt;script&gt;alert(13)&lt;/script&gt;', '&#60;b&#62;',
  '__proto__', 'constructor', 'line\u2028separator\u2029paragraph', '\u202Eright to left', 'a\nb\r\nc\td',
  'nul\u0000bell\u0007escape\u001b[31m', '@DATA@', '../../../etc/passwd', 'x'.repeat(1 << 20),
];

test('hostile text is shown as text', async t => {
  const folder = temporaryFolder(t);
  payloads.forEach((text, i) => writeRun(join(folder, 'runs', `run${i}`), {
    controller: text, specification: i % 2 ? 'one' : text, reason: text, position: i, column: i % 3 ? text.slice(0, 50) : 'noise_scale',
    status: i % 5 ? 'finished' : text, record: { [text.slice(0, 100)]: text, [`number ${text.slice(0, 80)}`]: i, environment: { cpu: text } } }));
  const path = makePage(join(folder, 'runs'), join(folder, 'report.html'), '--svg', join(folder, 'svg'));
  const { page, faults, close } = await open(path);
  await scrollThrough(page);
  for (const choice of await page.getByLabel('Experiment').locator('option').all()) {
    await page.getByLabel('Experiment').selectOption(await choice.getAttribute('value'));
  }
  await page.locator('#chart-batch_size .plot').scrollIntoViewIfNeeded();
  await page.locator('#chart-batch_size .plot').hover({ position: { x: 250, y: 100 } });
  const foreign = await page.locator('script:not(head script, body > script), iframe, a[href^="http"], img, base, link').count();
  assert.equal(foreign, 0);
  assert.equal(await page.locator('script').count(), 3);
  assert.ok((await page.locator('#summary').innerText()).includes('<img src=x onerror=alert(3)>'));
  assert.ok(statSync(path).size < 6e6);
  assert.deepEqual(faults, []);
  assert.ok(!existsSync(join(folder, 'etc')));
  await close();
});

test('an inline script that is not ours does not run', async t => {
  const folder = temporaryFolder(t);
  writeRuns(join(folder, 'runs'));
  const path = makePage(join(folder, 'runs'), join(folder, 'report.html'));
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('</header>', '<script>alert("foreign")</script></header>'));
  const { faults, close } = await open(path);
  assert.equal(faults.filter(fault => fault.startsWith('dialog')).length, 0);
  assert.match(faults.join('\n'), /Content Security Policy/);
  await close();
});

test('torn, missing, unknown, nan and infinite do not stop the page', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs');
  writeRuns(runs);
  const edit = (file, change) => writeFileSync(join(runs, file), change(readFileSync(join(runs, file), 'utf8')));
  edit('constant-0/steps.csv', text => text.slice(0, -20));
  edit('plateau-1/steps.csv', text => text.replaceAll('batch_loss', 'batch_loss_v2'));
  edit('constant-2/evaluations.csv', text => text.replaceAll('"accuracy"', '"exactness"'));
  edit('phases-0/steps.csv', text => text.replace(/"0.001"/g, '"nan"'));
  edit('phases-1/evaluations.csv', text => text.replace(/"(\d\.\d+)"\n/g, '"inf"\n'));
  edit('constant-1/evaluations.csv', text => text.replace(/("\d\.\d{4}"),"test"/g, '"nan","test"'));
  edit('phases-2/config.json', () => '{');
  edit('plateau-0/run.json', text => text.replace('"finished"', '"running"'));
  edit('plateau-1/decisions.csv', () => '');
  edit('plateau-2/evaluations.csv', () => '');
  mkdirSync(join(runs, 'empty'));
  writeFileSync(join(runs, 'empty', 'run.json'), '');
  const { page, faults, close } = await open(makePage(runs, join(folder, 'report.html')));
  await scrollThrough(page);
  const words = await page.locator('main').innerText();
  assert.match(words, /torn last line/);
  assert.match(words, /left out: .*constant-1: .*nan/);
  assert.match(words, /phases-2\/config.json/);
  assert.match(words, /empty\/run.json/);
  assert.ok(await page.locator('option', { hasText: 'batch_loss_v2' }).count() === 1);
  assert.deepEqual(faults, []);
  await close();
});

// Milliseconds from the start of the navigation until the page is usable, as it tells
// itself: the summary and the first chart are drawn. Then those that a switch takes to
// answer, to the next picture.
async function usable(path) {
  const { page, faults, close } = await open(path, {}, () => new MutationObserver((_, observer) => {
    if (!document.querySelector('#chart-batch_size canvas')) return;
    window.firstChart = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true }));
  await page.locator('#chart-batch_size .plot').scrollIntoViewIfNeeded();
  await page.locator('#chart-batch_size canvas').first().waitFor();
  const milliseconds = await page.evaluate(() => window.firstChart);
  assert.equal(await page.getByLabel(/mean, lowest/).isChecked(), true);
  const answer = await page.evaluate(() => new Promise(resolve => {
    const begin = performance.now();
    document.querySelector('input[name="x"][value="updates"]').click();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin)));
  }));
  await scrollThrough(page);
  for (const plot of await page.locator('.plot').all()) {
    await plot.scrollIntoViewIfNeeded();
    await plot.locator('canvas').first().waitFor();
  }
  assert.deepEqual(faults, []);
  await close();
  return [milliseconds, answer];
}

// The quickest of three openings: the machine may be busy with something else. Below
// 1.5 s on two idle cores of Zen 3; the bound is for what is wrong by much.
test('a thousand runs of five hundred points stay below 6 MB, and the page is usable', async t => {
  const folder = temporaryFolder(t);
  for (let i = 0; i < 1000; ++i) {
    writeRun(join(folder, 'runs', `run${i}`), { controller: `rule ${i % 20}`, seed: Math.floor(i / 20), position: i % 20, points: 500 });
  }
  const path = makePage(join(folder, 'runs'), join(folder, 'report.html'));
  assert.ok(statSync(path).size < 6e6, `${statSync(path).size} bytes`);
  const openings = [await usable(path), await usable(path), await usable(path)];
  const [first, answer] = [0, 1].map(which => openings.map(one => Math.round(one[which])));
  t.diagnostic(`${(statSync(path).size / 1e6).toFixed(2)} MB, usable after ${first.join(', ')} ms, a switch answers after ${answer.join(', ')} ms`);
  assert.ok(Math.min(...first) < 30000, `usable after ${first.join(', ')} ms`);
});

test('a watched page is live, keeps its switches, and ends with a page that stays', async t => {
  const folder = temporaryFolder(t), runs = join(folder, 'runs'), path = join(folder, 'report.html');
  mkdirSync(runs);
  const watch = spawn(program, ['report', runs, '--out', path, '--watch', '--every', '1'], { stdio: 'ignore' });
  const ended = new Promise(resolve => watch.on('exit', (code, signal) => resolve(code ?? signal)));
  t.after(() => watch.kill('SIGKILL'));
  for (let i = 0; !existsSync(path) && i < 100; ++i) await new Promise(resolve => setTimeout(resolve, 100));
  const { page, close } = await open(path);
  assert.match(await page.locator('#summary').innerText(), /no runs yet/);
  writeRuns(runs);
  await page.locator('#chart-loss').waitFor({ timeout: 20000 });
  assert.match(await page.locator('header').innerText(), /Live/);
  await page.getByLabel('updates', { exact: true }).check();
  await page.waitForEvent('load', { timeout: 20000 });
  assert.equal(await page.getByLabel('updates', { exact: true }).isChecked(), true);
  watch.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.doesNotMatch(readFileSync(path, 'utf8'), /<meta name="refresh"/);
  await close();
});
