// Builds the report page's program and style into src/page/assets. The same sources give the same bytes.
// `node build.mjs --check` compares instead and fails when the files in the repository are not what the sources make.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../src/page/assets');
const common = { bundle: true, minify: true, write: false, charset: 'utf8', legalComments: 'none', target: ['chrome111', 'firefox113', 'safari16.4'], logLevel: 'warning', absWorkingDir: here };

const notice = (version) => `/* Apache ECharts ${version}, Apache-2.0 (https://echarts.apache.org); zrender, BSD-3-Clause; tslib, 0BSD. */`;
const { version } = JSON.parse(readFileSync(join(here, 'node_modules/echarts/package.json'), 'utf8'));

const [script, style] = await Promise.all([
  build({ ...common, entryPoints: ['src/main.ts'], format: 'iife', define: { 'process.env.NODE_ENV': '"production"', __DEV__: 'false' }, banner: { js: notice(version) } }),
  build({ ...common, entryPoints: ['src/style.css'], loader: { '.woff2': 'dataurl' }, banner: { css: '/* Inter, SIL Open Font License 1.1, Copyright 2016 The Inter Project Authors. */' } }),
]);

let stale = 0;
for (const [name, result] of [['report.js', script], ['report.css', style]]) {
  const file = join(out, name);
  const made = Buffer.from(result.outputFiles[0].contents);
  if (!process.argv.includes('--check')) {
    writeFileSync(file, made);
    console.log(`${name}: ${(made.length / 1024).toFixed(0)} KB`);
  } else if (!readFileSync(file).equals(made)) {
    console.error(`src/page/assets/${name} is not what web/ makes: run \`npm --prefix web run build\``);
    stale = 1;
  }
}
process.exitCode = stale;
