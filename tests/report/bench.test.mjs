// SPDX-License-Identifier: MIT
//
// The page of measured steps: the same styles and the same safety, and no script at all.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, open, openBrowser, program, axeFaults, temporaryFolder } from './support.mjs';

before(openBrowser);
after(closeBrowser);

const specification = `name = "mine"
budget = { steps = 1 }
data = { set = "noisy-quadratic" }
model = { layers = [{ type = "quadratic" }] }
optimizer = { name = "sgd", learning_rate = 0.01 }
[[controllers]]
name = "constant"
batch_size = 8
`;

function benchPage(t) {
  const folder = temporaryFolder(t), page = join(folder, 'bench.html'), file = join(folder, 'mine.toml');
  writeFileSync(file, specification);
  execFileSync(program, ['bench', file, '--batch-sizes', '4,8,16', '--threads', '1,2', '--repeats', '3',
    '--repeat-milliseconds', '2', '--report', page, '--json'], { stdio: 'pipe' });
  return page;
}

for (const colorScheme of ['light', 'dark']) {
  test(`the page of measured steps is quiet and axe finds no fault in ${colorScheme}`, async t => {
    const { page, faults, close } = await open(benchPage(t), { colorScheme });
    assert.equal(await page.locator('.drawing svg').count(), 2);
    assert.match(await page.locator('h1').innerText(), /mine/);
    assert.equal(await page.locator('#figures tbody tr').count(), 8);  // 6 rows, 2 lines
    assert.deepEqual(await axeFaults(page), []);
    assert.deepEqual(faults, []);
    await close();
  });
}

test('the page of measured steps needs no scrolling sideways on a phone', async t => {
  const { page, faults, close } = await open(benchPage(t), { viewport: { width: 375, height: 700 } });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
  assert.deepEqual(faults, []);
  await close();
});

test('no inline script runs in the page of measured steps', async t => {
  const path = benchPage(t);
  writeFileSync(path, readFileSync(path, 'utf8').replace('</header>', '<script>alert("foreign")</script></header>'));
  const { faults, close } = await open(path);
  assert.match(faults.join('\n'), /Content Security Policy/);
  assert.equal(faults.filter(fault => fault.startsWith('dialog')).length, 0);
  await close();
});
