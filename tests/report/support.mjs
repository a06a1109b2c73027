// SPDX-License-Identifier: MIT
//
// Runs as files, pages made of them by the program, and a browser that tells on them.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const program = process.env.BATCHLAB;
if (!program) throw new Error('BATCHLAB must name the program batchlab');

export function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'batchlab-report-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const csv = (head, rows) => [head, ...rows].map(row =>
  row.map(cell => `"${String(cell).replaceAll('"', '""')}"`).join(',') + '\n').join('');

// A run of `points` steps whose loss falls as its seed and controller tell it.
export function writeRun(folder, run) {
  const { controller = 'constant', seed = 0, specification = 'made', status = 'finished',
    points = 60, batch = 32, position = 0, reason = 'constant', record = {}, column = 'noise_scale' } = run;
  mkdirSync(folder, { recursive: true });
  const steps = [], evaluations = [];
  for (let i = 1; i <= points; ++i) {
    const at = [i, 1, i * batch, 0], seconds = (i * (0.01 + batch * batch * 1e-5)).toFixed(4);
    const loss = 2 / Math.sqrt(i) + 0.1 * Math.sin(i + seed + position);
    steps.push([...at, batch, 0.001, loss, seconds, 50 + i + seed, 40 + i, 70 + i]);
    if (i % 5 === 0) {
      evaluations.push([i, 1, i * batch, 0, seconds, 'test', loss, 1 - loss / 3 + 0.01 * position, loss]);
    }
  }
  const json = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value));
  json('run.json', { controller, seed, specification, status, reason: '', steps: points,
    examples_seen: points * batch, training_seconds: points * 0.01, ...record });
  json('config.json', { name: specification, seed, target: { metric: 'test_accuracy', value: 0.85, stop: false },
    controller: { label: controller, name: 'constant', position, options: { batch_size: batch } } });
  writeFileSync(join(folder, 'steps.csv'), csv(['step', 'epoch', 'examples_seen', 'epochs_completed', 'batch_size',
    'learning_rate', 'batch_loss', 'training_seconds', column, 'noise_scale_low', 'noise_scale_high'], steps));
  writeFileSync(join(folder, 'evaluations.csv'), csv(['step', 'epoch', 'examples_seen', 'epochs_completed',
    'training_seconds', 'split', 'loss', 'accuracy', 'training_loss'], evaluations));
  writeFileSync(join(folder, 'decisions.csv'), csv(['step', 'examples_seen', 'wanted_batch_size', 'batch_size',
    'limited_by', 'learning_rate', 'reason'], [[0, 0, batch, batch, '', 0.001, reason],
    [10, 320, 2 * batch, 2 * batch, '', 0.001, `${reason}, doubled`]]));
}

// Three controllers, three seeds.
export function writeRuns(folder) {
  ['constant', 'phases', 'plateau'].forEach((controller, position) => {
    for (const seed of [0, 1, 2]) {
      writeRun(join(folder, `${controller}-${seed}`), { controller, seed, position, batch: 32 << position });
    }
  });
}

export function makePage(runs, page, ...more) {
  execFileSync(program, ['report', runs, '--out', page, ...more], { stdio: 'pipe' });
  return page;
}

let browser;
export async function openBrowser() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  const root = process.getuid() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({ executablePath, args: root });
  return browser;
}
export const closeBrowser = () => browser.close();

// A page and what it did that it should not: messages, errors, requests, dialogs.
// `before` runs in it first.
export async function open(path, options = {}, before = undefined) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  if (before) await page.addInitScript(before);
  const faults = [];
  page.on('console', message => faults.push(`console: ${message.text()}`));
  page.on('pageerror', error => faults.push(`error: ${error.stack}`));
  page.on('dialog', dialog => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', request => {
    if (request.url().split('#')[0] !== `file://${path}`) faults.push(`request: ${request.url()}`);
  });
  await page.goto(`file://${path}`);
  return { page, faults, close: () => context.close() };
}

// Everything into view once, so that all charts are drawn.
export async function scrollThrough(page) {
  for (const plot of await page.locator('.plot').all()) {
    await plot.scrollIntoViewIfNeeded();
    await page.waitForTimeout(60);
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

// Whatever axe finds wrong, each with the elements.
export async function axeFaults(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200))]);
}
