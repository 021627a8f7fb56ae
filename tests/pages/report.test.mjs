// Report pages in a real browser: as a file without a network, and live from `tv1 serve`.
// Needs Chromium and tv1 (TV1, else target/release/tv1 or target/debug/tv1).

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { eventually, launch, open as openPage } from './browser.mjs';
import { HOSTILE, numbers, project, programs } from './shop.mjs';

const root = resolve(import.meta.dirname, '../..');
const tv1 = process.env.TV1 ?? ['release', 'debug'].map((kind) => join(root, 'target', kind, 'tv1')).find(existsSync);
const dir = mkdtempSync(join(tmpdir(), 'tv1-report-'));
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PG|DBT_|TV1_|DATABASE_URL)/.test(name)));
const run = (...words) => execFileSync(tv1, words, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
let browser;
let fileUrl;
let server;
let base;

before(async () => {
  project(dir);
  run('build');
  run('report', 'overview', '--out', join(dir, 'overview.html'));
  fileUrl = pathToFileURL(join(dir, 'overview.html')).href;
  const port = await new Promise((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => found(String(free)));
    });
  });
  server = spawn(tv1, ['serve', '--port', port, '--no-browser'], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  base = await new Promise((found, failed) => {
    let said = '';
    server.stdout.on('data', (data) => {
      said += data;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (url) found(url[0]);
    });
    server.on('exit', () => failed(new Error(`tv1 serve ended: ${said}`)));
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.removeAllListeners('exit');
  server?.kill('SIGINT');
  try { run('db', 'stop'); } catch { /* It may have stopped by itself. */ }
  rmSync(dir, { recursive: true, force: true });
});

const drawn = (page, times) => page.waitForFunction((n) => Number(document.body.dataset.drawn ?? 0) >= n, times);

/** Opens the file, or the live page, with a choice in the address. */
async function open(hash = '', { live = false, ...options } = {}) {
  // A live page may show pictures from elsewhere; here they come from nowhere.
  const own = live ? new RegExp(`^(data:|blob:|${base}/|https://example.org/)`) : undefined;
  const opened = await openPage(browser, (live ? `${base}/report/overview` : fileUrl) + hash, { ...(own ? { own } : {}), ...options });
  await drawn(opened.page, 1);
  return opened;
}

async function cards(page) {
  const list = await page.locator('.card').evaluateAll((all) => all.map((c) => [c.dataset.metric, c.dataset.value, c.querySelector('.card-value').firstChild.textContent]));
  return Object.fromEntries(list.map(([metric, value, text]) => [metric, { value: value === '' ? null : Number(value), text }]));
}

const danish = (value, digits = 0) => new Intl.NumberFormat('da-DK', { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

async function compare(page, choice, what) {
  const expected = numbers(choice);
  const found = await cards(page);
  for (const [metric, value] of Object.entries(expected)) {
    const shown = found[metric].value;
    // Where there is nothing a count may be 0 or empty.
    assert.ok(Math.abs((shown ?? 0) - (value ?? 0)) < 1e-5, `${what}: ${metric} is ${shown}, not ${value}`);
  }
  assert.equal(found.sessions.text.replace('–', '0'), danish(expected.sessions), what);
}

const CHOICES = [
  ['', {}],
  ['#program__category=Drama', { category: 'Drama' }],
  ['#program__category=~', { category: null }],
  ['#session__platform=TV', { platform: 'TV' }],
  ['#session__platform=~', { platform: null }],
  ['#program__category=Sport&session__platform=Mobile', { category: 'Sport', platform: 'Mobile' }],
  [`#program__title=${encodeURIComponent(HOSTILE)}`, { title: HOSTILE }],
  ['#period=last_7_days', { from: '2025-03-14', to: '2025-03-20' }],
  ['#period=week_2025-03-03', { from: '2025-03-03', to: '2025-03-09' }],
  ['#period=day_2025-03-06&session__platform=TV', { from: '2025-03-06', to: '2025-03-06', platform: 'TV' }],
  ['#period=last_7_days&program__category=Drama&session__platform=Mobile', { from: '2025-03-14', to: '2025-03-20', category: 'Drama', platform: 'Mobile' }],
];

test('the numbers of the file are those of the rows, for every choice', async () => {
  for (const [hash, choice] of CHOICES) {
    const { page, done } = await open(hash);
    await compare(page, choice, hash);
    await done();
  }
});

test('the live page has the same numbers', async () => {
  for (const [hash, choice] of CHOICES) {
    const { page, done } = await open(hash, { live: true });
    await compare(page, choice, `live ${hash}`);
    await done();
  }
});

test('the live page takes any days and several values', async () => {
  const { page, done } = await open('#from=2025-03-02&to=2025-03-11', { live: true });
  await compare(page, { from: '2025-03-02', to: '2025-03-11' }, 'range');
  await page.getByRole('button', { name: /Kategori/ }).click();
  await page.getByRole('option', { name: 'Drama' }).click();
  await drawn(page, 2);
  await page.getByRole('option', { name: 'Sport' }).click();
  await drawn(page, 3);
  const two = (await cards(page)).minutes.value;
  const [a, b] = ['Drama', 'Sport'].map((category) => numbers({ category, from: '2025-03-02', to: '2025-03-11' }).minutes);
  assert.ok(Math.abs(two - a - b) < 1e-5);
  await done();
});

test('a choice filters everything, and can be taken back', async () => {
  const { page, done } = await open();
  await page.getByRole('button', { name: /Kategori/ }).click();
  await page.getByRole('option', { name: 'Drama' }).click();
  await drawn(page, 2);
  await compare(page, { category: 'Drama' }, 'clicked');
  assert.match(page.url(), /program__category=Drama/);
  const bars = await page.locator('.bar-name').allTextContents();
  assert.deepEqual(bars.sort(), ['Ære 3']);
  await page.getByRole('button', { name: 'Nulstil' }).click();
  await drawn(page, 3);
  await compare(page, {}, 'reset');
  await done();
});

test('a click on a bar or a legend filters the others', async () => {
  const { page, done } = await open();
  await page.locator('button.bar', { hasText: 'Ære 3' }).click();
  await drawn(page, 2);
  await compare(page, { title: 'Ære 3' }, 'bar');
  await page.locator('button.bar[aria-pressed="true"]').click();
  await drawn(page, 3);
  await page.locator('.tile-donut button.key', { hasText: 'TV' }).click();
  await drawn(page, 4);
  await compare(page, { platform: 'TV' }, 'legend');
  await page.getByRole('button', { name: /Fjern filteret/ }).click();
  await drawn(page, 5);
  await compare(page, {}, 'all');
  await done();
});

test('everything can be done by keyboard', async () => {
  const { page, done } = await open();
  await page.keyboard.press('Tab');
  assert.equal(await page.locator(':focus').textContent(), 'Gå til indholdet');
  await page.getByRole('button', { name: /Periode/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await drawn(page, 2);
  assert.match(page.url(), /period=last_7_days/);
  await eventually(async () => assert.match(await page.locator(':focus').textContent(), /Periode/));
  const donut = page.locator('.tile-donut .chart');
  await donut.focus();
  await page.keyboard.press('ArrowRight');
  await eventually(async () => assert.match(await donut.locator('[role="status"]').textContent(), /: \d/));
  await page.keyboard.press('Enter');
  await drawn(page, 3);
  assert.match(page.url(), /session__platform=/);
  await page.locator('.tile-line').getByRole('button', { name: 'Vis som tabel' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('.tile-line table').waitFor();
  await page.locator('.tile-line').getByRole('button', { name: 'Definition' }).focus();
  await page.keyboard.press('Enter');
  await eventually(async () => assert.match(await page.locator('dialog').textContent(), /count\(distinct/i));
  await page.keyboard.press('Escape');
  await eventually(async () => assert.equal(await page.locator('dialog').count(), 0));
  await done();
});

test('texts stay texts, and no picture is fetched', async () => {
  for (const live of [false, true]) {
    const { page, done } = await open('', { live });
    assert.equal(await page.evaluate(() => window.harmed), undefined);
    assert.ok((await page.locator('.bar-name').allTextContents()).includes(HOSTILE));
    await done();
  }
  const html = readFileSync(join(dir, 'overview.html'), 'utf8');
  assert.ok(!html.includes('<img src=x'));
  assert.ok(html.length < 720 * 1024, `${html.length} bytes`);
  assert.ok(!/(src|href)="https?:/.test(html) && !/url\(["']?https?:/.test(html));
  assert.equal(programs.length, 5);
});

test('rows without a value are shown as such, and programs of nobody are not lost', async () => {
  const { page, done } = await open();
  assert.ok((await page.locator('.tile-donut .key-name').allTextContents()).includes('(tom)'));
  assert.ok((await page.locator('.bar-name').allTextContents()).includes('(tom)'));
  await done();
});

test('names for screen readers: axe finds nothing', async () => {
  const axe = readFileSync(join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    const { page, done } = await open('#program__category=Drama', { colorScheme });
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).slice(0, 3).join(' | ')}`), []);
    await done();
  }
});

test('a wall, a desk and a phone: nothing is cut off', async () => {
  for (const [width, height] of [[1280, 720], [1920, 1080], [1000, 800], [390, 844], [320, 640]]) {
    const { page, done } = await open('', { viewport: { width, height }, hasTouch: width < 500, isMobile: width < 500 });
    const size = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]);
    assert.ok(size[0] <= width, `${width}: ${size[0]} wide`);
    if (width >= 1280) assert.ok(size[1] <= height, `${height}: ${size[1]} high`);
    const cut = await page.locator('.card-value').evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent));
    assert.deepEqual(cut, [], `${width}`);
    await done();
  }
});

test('print shows the tiles and no controls', async () => {
  const { page, done } = await open();
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('.head-tools').isHidden());
  assert.ok((await page.pdf()).length > 10_000);
  await done();
});

test('the same project gives the same file', () => {
  const once = readFileSync(join(dir, 'overview.html'), 'utf8');
  run('report', 'overview', '--out', join(dir, 'again.html'));
  const moment = /"builtAt":"[^"]*"/;
  assert.equal(readFileSync(join(dir, 'again.html'), 'utf8').replace(moment, ''), once.replace(moment, ''));
});

function post(body, headers = {}) {
  return new Promise((answered, failed) => {
    const sent = request(`${base}/api/query`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }, (response) => {
      let text = '';
      response.on('data', (d) => (text += d));
      response.on('end', () => answered({ status: response.statusCode, body: JSON.parse(text) }));
    });
    sent.on('error', failed);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

test('the server answers named things only, and values are never SQL', async () => {
  assert.equal((await post({ metrics: ['sessions'] })).body.rows[0].values[0], 60);
  const wrong = await post({ metrics: ['sesions'] });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.error, /did you mean `sessions`/);
  assert.equal((await post({ metrics: ['sessions'], group_by: ['nothing'] })).status, 400);
  assert.equal((await post({ metrics: ['sessions'], sql: 'select 1' })).status, 400);
  for (const value of ["TV' or '1'='1", "'; drop table sessions; --", '\\', "\\'; select pg_sleep(9) --", '$1', '\u0000']) {
    const answer = await post({ metrics: ['sessions'], filters: [{ dimension: 'session__platform', values: [value] }] });
    assert.ok(answer.status === 400 || answer.body.rows[0].values[0] === 0, `${value}: ${JSON.stringify(answer)}`);
  }
  assert.equal((await post({ metrics: ['sessions'] }, { Host: 'evil.example' })).status, 403);
  assert.equal((await post({ metrics: ['sessions'] }, { Origin: 'http://evil.example' })).status, 403);
  assert.equal((await post({ metrics: ['sessions'] })).body.rows[0].values[0], 60);
});

test('mistakes in a report are told with their places', () => {
  const file = join(dir, 'reports/overview.yml');
  const good = readFileSync(file, 'utf8');
  writeFileSync(file, good.replace('cards: [minutes,', 'cards: [minuts,').replace('{donut:', '{donot:').replace("periods: [all, last_7_days", 'periods: [all, last_7_dayz'));
  try {
    run('report', '--check');
    assert.fail('the mistakes were not found');
  } catch (error) {
    const said = `${error.stdout}${error.stderr}`;
    assert.match(said, /did you mean `donut`/);
    assert.match(said, /did you mean `last_7_days`/);
    assert.match(said, /reports\/overview\.yml:\d+:\d+/);
    assert.equal(error.status, 2);
  } finally {
    writeFileSync(file, good);
  }
});
