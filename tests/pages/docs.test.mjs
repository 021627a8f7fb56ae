// The documentation page in a real browser, opened from a file and without any network.
// Needs Chromium (CHROMIUM, else `chromium` on the path) and the example `docs_page`, which it builds.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventually, launch, open as openPage } from './browser.mjs';
import { columnLineage, large, results, small } from './fixture.mjs';

const root = resolve(import.meta.dirname, '../..');
const dir = mkdtempSync(join(tmpdir(), 'tv1-pages-'));
let browser;

function make(name, ...artefacts) {
  const files = artefacts.map((artefact, i) => {
    const file = join(dir, `${name}.${i}.json`);
    writeFileSync(file, JSON.stringify(artefact));
    return file;
  });
  const out = join(dir, `${name}.html`);
  execFileSync('cargo', ['run', '--quiet', '--example', 'docs_page', '--', out, files[0], ...(files.length > 1 ? ['-', ...files.slice(1)] : [])], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return pathToFileURL(out).href;
}

/** Opens a page and gives it with everything that went wrong on it. */
async function open(url, hash = '', options = {}) {
  return openPage(browser, url + hash, { own: /^(file|data):/, ready: 'main h1', ...options });
}

/** Waits for the page of this name: it is drawn when the address has changed. */
const heading = (page, text) => eventually(async () => assert.equal(await page.locator('h1').first().textContent(), text));

let smallUrl;
let largeUrl;
before(async () => {
  smallUrl = make('small', small, results, columnLineage);
  largeUrl = make('large', large(5000));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(dir, { recursive: true, force: true });
});

test('the overview tells what there is and how the last run went', async () => {
  const { page, done } = await open(smallUrl);
  await heading(page, 'shop');
  assert.match(await page.locator('.panel.prose').textContent(), /Ordrer fra Ærø til Skagen/);
  assert.match(await page.locator('.tile', { hasText: 'Models' }).textContent(), /3/);
  assert.match(await page.locator('#last-run').textContent(), /2 failed/);
  assert.match(await page.locator('.problems').textContent(), /no_negative_totals/);
  await done();
});

test('texts of a project stay texts', async () => {
  for (const id of ['model.shop.orders', 'model.shop.daily']) {
    const { page, done } = await open(smallUrl, `#/node/${id}`);
    assert.equal(await page.evaluate(() => window.harmed), undefined);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
    assert.match(await page.locator('main').textContent(), /<img src=x onerror=/);
    await done();
  }
});

test('a node shows relation, description, columns, tests and SQL', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.orders');
  assert.equal(await page.locator('.relation code').textContent(), 'db.marts.orders');
  assert.equal(await page.locator('#description strong').textContent(), 'bold');
  assert.equal(await page.locator('#description table td.to-right').textContent(), '2');
  assert.deepEqual(await page.locator('#columns tbody th').allTextContents(), ['order_id', 'total']);
  assert.match(await page.locator('#columns tbody tr').first().textContent(), /unique/);
  assert.match(await page.locator('#tests').textContent(), /failed.*no_negative_totals/);
  assert.equal(await page.locator('#sql .t-link').getAttribute('href'), '#/node/model.shop.stg_orders');
  await page.locator('#sql .t-link').click();
  await heading(page, 'stg_orders');
  await page.getByRole('tab', { name: 'Compiled' }).click();
  assert.match(await page.locator('.code:not([data-hidden])').textContent(), /"db"\."raw"\."orders"/);
  await done();
});

test('lineage grows by steps, has simulations and leads from box to box', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.orders');
  const boxes = () => page.locator('#lineage .box').evaluateAll((all) => all.map((b) => b.getAttribute('aria-label')).sort());
  assert.deepEqual(await boxes(), ['Model daily, error', 'Model orders, a test failed', 'Model stg_orders, success', 'Seed countries', 'Snapshot history, skipped']);
  await page.getByRole('button', { name: 'More steps up' }).click();
  await eventually(async () => assert.ok((await boxes()).length > 5));
  await page.getByRole('button', { name: 'More steps up' }).click();
  await eventually(async () => assert.ok((await boxes()).includes('Simulation raw_orders')));
  await page.getByRole('checkbox', { name: 'Tests' }).check();
  await eventually(async () => assert.ok((await boxes()).some((b) => b.startsWith('Data test'))));
  await page.locator('#lineage .box', { hasText: 'countries' }).click();
  await heading(page, 'countries');
  await done();
});

test('boxes of the whole graph do not overlap', async () => {
  const { page, done } = await open(smallUrl, '#/graph');
  const boxes = await page.locator('.box .plate').evaluateAll((all) => all.map((b) => b.getBoundingClientRect().toJSON()));
  assert.equal(boxes.length, 9);
  for (const [i, a] of boxes.entries()) {
    for (const b of boxes.slice(i + 1)) assert.ok(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top);
  }
  await done();
});

test('the path of a column lights up', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.orders');
  await page.locator('#columns a', { hasText: 'total' }).first().click();
  await eventually(async () => assert.equal(await page.locator('#lineage .graph .edge').count(), 3));
  assert.deepEqual((await page.locator('#lineage .port text').allTextContents()).sort(), ['id', 'id', 'revenue', 'total']);
  assert.equal(await page.locator('#lineage .graph .edge-aggregate').count(), 1);
  assert.match(page.url(), /column=total/);
  await done();
});

test('search by keyboard finds names, columns and texts', async () => {
  const { page, done } = await open(smallUrl);
  await page.keyboard.press('/');
  await page.keyboard.type('revenue');
  assert.match(await page.locator('.result').first().textContent(), /revenue/);
  assert.ok((await page.locator('.result').allTextContents()).some((t) => t.includes('daily.revenue')));
  await page.locator('#search').fill('stg_ord');
  await page.keyboard.press('Enter');
  await heading(page, 'stg_orders');
  await page.keyboard.press('/');
  await page.keyboard.type('zzz');
  assert.match(await page.locator('#results').textContent(), /Nothing found/);
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#results').isHidden());
  await done();
});

test('the tree works by keyboard, by folder and by schema', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.stg_orders');
  assert.equal(await page.locator('.tree-row[aria-current]').textContent(), 'stg_orders');
  await page.locator('.tree-row[tabindex="0"]').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('.tree-row:focus').getAttribute('aria-expanded'), 'false');
  assert.equal(await page.locator('.tree-row', { hasText: 'stg_orders' }).count(), 0);
  await page.getByRole('tab', { name: 'Database' }).click();
  assert.deepEqual(await page.locator('.tree-row[aria-level="1"] .tree-name').allTextContents(), ['marts', 'raw']);
  await done();
});

test('light and dark follow the system until one is chosen', async () => {
  const { page, done } = await open(smallUrl, '', { colorScheme: 'dark' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body.querySelector('.top')).backgroundColor);
  assert.equal(await paper(), 'rgb(23, 27, 34)');
  await page.getByRole('button', { name: 'Light colours' }).click();
  assert.equal(await paper(), 'rgb(255, 255, 255)');
  await page.reload();
  await page.waitForSelector('main h1');
  assert.equal(await paper(), 'rgb(255, 255, 255)');
  await done();
});

test('a small screen has a menu and scrolls only downwards', async () => {
  for (const hash of ['', '#/node/model.shop.orders', '#/graph', '#/list?kind=model']) {
    const { page, done } = await open(smallUrl, hash, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), hash);
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.locator('.tree-row.leaf', { hasText: 'daily' }).click();
    await heading(page, 'daily');
    await done();
  }
});

test('print shows both texts of SQL and no controls', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.stg_orders');
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('.code').nth(1).isVisible());
  assert.ok(await page.locator('.top').isHidden());
  await done();
});

test('five thousand models stay light', async () => {
  const { page, done } = await open(largeUrl, '#/graph/model.shop.m_02500');
  assert.ok(await page.locator('.box').count() <= 240);
  assert.ok(await page.locator('*').count() < 4000);
  await page.getByRole('tree').focus().catch(() => {});
  await page.keyboard.press('/');
  const took = await page.evaluate(() => {
    const input = document.getElementById('search');
    const start = performance.now();
    input.value = 'm_049';
    input.dispatchEvent(new Event('input'));
    return performance.now() - start;
  });
  assert.ok(took < 3000, `search took ${took} ms`);
  assert.equal(await page.locator('.result').count(), 60);
  await done();
});

test('an address that is not there says so', async () => {
  const { page, done } = await open(smallUrl, '#/node/model.shop.removed');
  await heading(page, 'Not found');
  await done();
});
