// The report page: reads what it is given, puts tiles in their places, and draws them anew when a choice changes.

import { h, settled } from './dom';
import { useLocale } from './format';
import { footer, header } from './header';
import { FileSource, LiveSource } from './source';
import { State } from './state';
import { speak, t } from './texts';
import { Theme } from './theme';
import { TileView } from './tiles';
import type { Data, Page } from './types';

/** Data that is large stands in the page packed: gzip in base64. */
async function unpack(text: string): Promise<Data> {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return (await new Response(stream).json()) as Data;
}

async function start(): Promise<void> {
  const read = (id: string) => document.getElementById(id)?.textContent ?? '';
  const page = JSON.parse(read('page')) as Page;
  const packed = read('data').trim();
  if (packed) page.data = packed.startsWith('{') ? (JSON.parse(packed) as Data) : await unpack(packed);
  speak(page.locale);
  useLocale(page.locale);
  const state = new State(page);
  const theme = new Theme(page);
  const source = page.live ? new LiveSource() : new FileSource(page);
  const tiles = page.tiles.map((tile) => new TileView({ page, state, source, theme }, tile));
  // Colours of metrics go by their order on the page.
  for (const slicer of page.slicers) if (slicer.kind === 'parameter') slicer.metrics.forEach((m) => theme.metric(m));
  const redraw = () => void Promise.all(tiles.map((tile) => tile.update())).then(() => { document.body.dataset['drawn'] = String(Number(document.body.dataset['drawn'] ?? 0) + 1); });
  const head = header(page, state, theme, redraw);
  const main = h('main', { id: 'main', class: 'grid', tabindex: '-1' }, ...tiles.map((tile) => tile.root));
  main.style.setProperty('--heights', page.heights.map((n) => `minmax(0, ${n}fr)`).join(' '));
  document.body.replaceChildren(h('a', { class: 'skip', href: '#main', click: (e: MouseEvent) => { e.preventDefault(); main.focus(); } }, t('skip')), head.root, main, footer(page));
  const update = () => {
    head.update();
    redraw();
  };
  state.onChange(update);
  theme.onSystemChange(update);
  let wide = window.innerWidth < 1500;
  window.addEventListener('resize', settled(() => {
    if (wide !== window.innerWidth < 1500) {
      wide = !wide;
      redraw();
    }
  }));
  update();
}

void start().catch((error: unknown) => {
  document.body.textContent = String(error);
});
