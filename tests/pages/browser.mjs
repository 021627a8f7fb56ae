// One browser for the tests of a file, and pages that remember everything that goes wrong on them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const path = process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome'], { encoding: 'utf8' }).trim();

export function launch() {
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
}

/** Opens a page; `own` says which requests are its own. */
export async function open(browser, url, { own = /^(file|data|blob):/, ready = 'main', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await context.route('https://example.org/**', (route) => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }));
  const wrong = [];
  page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
  page.on('console', (m) => { if (m.type() === 'error') wrong.push(`console: ${m.text()}`); });
  page.on('request', (r) => { if (!own.test(r.url())) wrong.push(`request: ${r.url()}`); });
  await page.goto(url);
  await page.waitForSelector(ready);
  return { page, context, done: async () => { assert.deepEqual(wrong, []); await context.close(); } };
}

/**
 * Runs a check again and again until it holds, for five seconds at most, and then gives its last complaint.
 * For what a page does in a later task of its own: a change of address draws the page anew after the key was handled.
 */
export async function eventually(check) {
  const end = Date.now() + 5000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((later) => setTimeout(later, 20));
    }
  }
}
