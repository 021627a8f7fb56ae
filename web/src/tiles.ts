// The tiles: each asks its questions, draws the answers and has them as a table too.

import { Chart, type Drawing } from './chart';
import { h, icon, s } from './dom';
import * as draw from './draw';
import * as format from './format';
import { definitions } from './dialog';
import type { Source } from './source';
import type { State } from './state';
import { t } from './texts';
import type { Theme } from './theme';
import type { Page, Question, Row, Tile, Value } from './types';

export interface Context { page: Page; state: State; source: Source; theme: Theme }

interface Table { head: string[]; rows: { cells: string[]; numbers: (number | null)[] }[] }

const CHARTS = new Set(['gauge', 'donut', 'column', 'line']);

export class TileView {
  readonly root: HTMLElement;
  private body = h('div', { class: 'tile-body' });
  private note = h('p', { class: 'tile-note', hidden: true });
  private title = h('h2', { class: 'tile-title' });
  private legend = h('div', { class: 'legend' });
  private chart: Chart | null = null;
  private asTable = false;
  private table: Table = { head: [], rows: [] };
  private switch: HTMLButtonElement | null = null;
  private turn = 0;

  constructor(private context: Context, readonly tile: Tile) {
    const tools = h('div', { class: 'tile-tools' });
    if (tile.kind !== 'cards' && tile.kind !== 'table') {
      this.switch = h('button', { type: 'button', class: 'tool', click: () => this.flip() });
      tools.append(this.switch);
    }
    tools.append(h('button', { type: 'button', class: 'tool', 'aria-label': t('definition'), title: t('definition'), click: () => definitions(context.page, this.metrics(), tile.title, tile.sql) }, icon('info')));
    this.title.id = `${tile.id}-title`;
    this.root = h('section', { class: `tile tile-${tile.kind}`, id: tile.id, 'aria-labelledby': this.title.id }, h('header', { class: 'tile-head' }, this.title, this.legend, tools), this.body, this.note);
    const place: Record<string, number> = { '--column': tile.column, '--span': tile.span, '--row': tile.row, '--rows': tile.rows };
    for (const [name, value] of Object.entries(place)) this.root.style.setProperty(name, String(value));
    this.labelSwitch();
  }

  /** Metrics that are shown now. */
  private metrics(): string[] {
    const { state } = this.context;
    const chosen = this.tile.parameter === undefined ? this.tile.metrics : state.chosen(this.tile.parameter);
    return this.tile.kind === 'donut' || this.tile.series !== undefined ? chosen.slice(0, 1) : chosen;
  }

  private scene(): draw.Scene {
    const { page, theme, state } = this.context;
    const slicers = new Set(state.dimensions.map((d) => d.dimension));
    return {
      page,
      theme,
      chosen: (dimension) => state.filters.get(dimension),
      choose: (dimension) => (page.dimensions[dimension]?.time || !(page.live || slicers.has(dimension)) ? undefined : (value, more) => state.toggle(dimension, value, more)),
      compact: window.innerWidth < 1500,
    };
  }

  /** Asks and draws; an answer that comes after a later question is dropped. */
  async update(): Promise<void> {
    const turn = ++this.turn;
    this.root.setAttribute('aria-busy', 'true');
    const waiting = window.setTimeout(() => this.root.classList.add('waiting'), 150);
    try {
      const show = await this.prepare();
      if (turn === this.turn) show();
    } catch (error) {
      if (turn === this.turn) this.fail(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(waiting);
      if (turn === this.turn) {
        this.root.classList.remove('waiting');
        this.root.removeAttribute('aria-busy');
        this.notes();
      }
    }
  }

  private ask(what: string, metrics: string[], by: string[], rest: Partial<Question> = {}): Promise<Row[]> {
    const id = what ? `${this.tile.id}.${what}` : this.tile.id;
    return this.context.source.ask({ id, metrics, by, blind: this.tile.unfiltered ?? [], ...rest }, this.context.state);
  }

  private async prepare(): Promise<() => void> {
    const { tile } = this;
    const metrics = this.metrics();
    const labels = metrics.map((m) => this.context.page.metrics[m]?.label ?? m);
    switch (tile.kind) {
      case 'cards':
        return this.cards(metrics);
      case 'gauge': {
        const [row] = await this.ask('', tile.metrics, []);
        return () => {
          this.name(tile.title || (labels[0] ?? ''));
          const values = row?.values ?? [];
          const has = (i: number) => (i < tile.metrics.length ? values[i] ?? null : null);
          this.table = { head: [labels[0] ?? '', ''], rows: tile.metrics.map((m, i) => ({ cells: [this.context.page.metrics[m]?.label ?? m, this.number(values[i] ?? null, m)], numbers: [values[i] ?? null] })) };
          this.root.dataset['value'] = String(has(0));
          this.root.dataset['metric'] = tile.metrics[0];
          this.paint(() => draw.gauge(this.scene(), has(0), has(1), has(2), tile.metrics[0] ?? ''), has(0) === null);
        };
      }
      case 'donut': {
        const by = tile.by ?? '';
        const [rows, [total]] = await Promise.all([this.ask('', metrics, [by], { whole: true }), this.ask('total', metrics, [])]);
        return () => {
          this.name(tile.title || `${this.label(by)} × ${labels[0]}`);
          const sorted = this.inOrder(rows, by);
          this.tabulate([by], metrics, sorted);
          this.keys(sorted.map((r, i) => ({ name: draw.named(this.context.page, by, r.keys[0] ?? null), colour: this.context.theme.value(by, r.keys[0] ?? null, i), value: r.keys[0] ?? null, amount: this.number(r.values[0] ?? null, metrics[0] ?? '') })), by);
          // Different users of the parts are more than those of the whole: said, since the numbers do not add up.
          const sum = sorted.reduce((a, r) => a + (r.values[0] ?? 0), 0);
          if (sum > (total?.values[0] ?? sum) * 1.001) this.legend.append(h('span', { class: 'legend-note', title: t('overlapWhy') }, t('overlap')));
          this.paint(() => draw.donut(this.scene(), sorted, metrics[0] ?? '', by, total?.values[0] ?? null), sorted.length === 0);
        };
      }
      case 'column':
      case 'line': {
        const by = tile.by ?? '';
        const time = Boolean(this.context.page.dimensions[by]?.time);
        const rows = await this.ask('', metrics, tile.series === undefined ? [by] : [by, tile.series], { whole: !time });
        return () => {
          const scene = this.scene();
          const groups = draw.groups(scene, rows, metrics, by, tile.series);
          this.name(tile.title || `${labels.join(', ')} × ${this.label(by)}`);
          this.tabulate(tile.series === undefined ? [by] : [by, tile.series], metrics, this.inOrder(rows, by));
          this.keys(groups.series.length > 1 ? groups.series.map((x) => ({ name: x.name, colour: x.colour, ...(x.key !== undefined ? { value: x.key } : {}) })) : [], tile.series);
          this.paint(() => (tile.kind === 'line' ? draw.line(scene, groups, by, time) : draw.columns(scene, groups, by, tile.series)), rows.length === 0);
        };
      }
      case 'bar':
        return this.bars(metrics, labels);
      case 'top':
        return this.top(metrics);
      case 'table': {
        const by = [tile.by, tile.series].filter((d): d is string => d !== undefined);
        const rows = await this.ask('', metrics, by);
        return () => {
          this.name(tile.title || labels.join(', '));
          this.tabulate(by, metrics, this.largestFirst(rows).slice(0, tile.n ?? 200));
          this.asTable = true;
          this.showTable();
        };
      }
    }
  }

  private label(dimension: string): string {
    return this.context.page.dimensions[dimension]?.label ?? dimension;
  }

  private number(value: number | null, metric: string, inShort = false): string {
    if (this.tile.show === 'duration') return format.duration(value);
    const shape = this.context.page.metrics[metric]?.format ?? null;
    return inShort ? format.short(value, shape) : format.number(value, shape);
  }

  private name(text: string): void {
    this.title.textContent = text;
  }

  private inOrder(rows: Row[], by: string): Row[] {
    const at = new Map(this.context.page.dimensions[by]?.values?.map((v, i) => [v, i]));
    return [...rows].sort((a, b) => (at.get(a.keys[0] ?? null) ?? 1e9) - (at.get(b.keys[0] ?? null) ?? 1e9));
  }

  private largestFirst(rows: Row[]): Row[] {
    return [...rows].sort((a, b) => (b.values[0] ?? -Infinity) - (a.values[0] ?? -Infinity) || format.byName(a.keys[0] ?? '', b.keys[0] ?? ''));
  }

  private tabulate(by: string[], metrics: string[], rows: Row[]): void {
    const { page } = this.context;
    this.table = {
      head: [...by.map((d) => this.label(d)), ...metrics.map((m) => page.metrics[m]?.label ?? m)],
      rows: rows.map((row) => ({ cells: [...by.map((d, i) => draw.named(page, d, row.keys[i] ?? null)), ...metrics.map((m, i) => this.number(row.values[i] ?? null, m))], numbers: row.values })),
    };
  }

  private keys(entries: { name: string; colour: string; value?: Value; amount?: string }[], dimension: string | undefined): void {
    const choose = dimension === undefined ? undefined : this.scene().choose(dimension);
    const chosen = dimension === undefined ? undefined : this.context.state.filters.get(dimension);
    this.legend.replaceChildren(
      ...entries.map((entry) => {
        const dot = h('i', { class: 'dot' });
        dot.style.background = entry.colour;
        const parts = [dot, h('span', { class: 'key-name' }, entry.name), entry.amount ? h('b', {}, entry.amount) : null];
        const { value } = entry;
        if (!choose || value === undefined) return h('span', { class: 'key' }, ...parts);
        return h('button', { type: 'button', class: `key${chosen && !chosen.includes(value) ? ' faded' : ''}`, 'aria-pressed': String(chosen?.includes(value) ?? false), click: (e: MouseEvent) => choose(value, e.ctrlKey || e.metaKey) }, ...parts);
      }),
    );
  }

  private paint(drawing: () => Drawing, empty: boolean): void {
    if (this.asTable) return this.showTable();
    if (empty) return this.nothing();
    this.chart ??= new Chart(t('howToRead'));
    if (!this.chart.root.isConnected) this.body.replaceChildren(this.chart.root);
    this.chart.draw(drawing());
  }

  private nothing(): void {
    this.body.replaceChildren(h('p', { class: 'nothing' }, t('empty')));
  }

  private fail(message: string): void {
    this.legend.replaceChildren();
    this.body.replaceChildren(h('p', { class: 'nothing failed', role: 'alert' }, t('failed', { d: message })));
  }

  private notes(): void {
    const { state } = this.context;
    const names = (this.tile.unfiltered ?? []).filter((d) => state.filters.has(d)).map((d) => state.dimensions.find((x) => x.dimension === d)?.label ?? d);
    this.note.hidden = names.length === 0;
    this.note.textContent = names.length ? t('unfiltered', { d: names.join(', ') }) : '';
  }

  private flip(): void {
    this.asTable = !this.asTable;
    this.labelSwitch();
    void this.update();
  }

  private labelSwitch(): void {
    if (!this.switch) return;
    const text = this.asTable ? t('asChart') : t('asTable');
    this.switch.setAttribute('aria-label', text);
    this.switch.title = text;
    this.switch.replaceChildren(icon(this.asTable ? 'chart' : 'table'));
  }

  private showTable(): void {
    const { head, rows } = this.table;
    const metrics = rows[0]?.numbers.length ?? 1;
    const isNumber = (i: number) => i >= head.length - metrics;
    this.body.replaceChildren(
      h('div', { class: 'table-scroll', tabindex: '0', role: 'group', 'aria-label': this.title.textContent },
        h('table', {}, h('thead', {}, h('tr', {}, ...head.map((text, i) => h('th', { scope: 'col', class: isNumber(i) ? 'number' : null }, text)))),
          h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.cells.map((cell, i) => (i === 0 ? h('th', { scope: 'row' }, cell) : h('td', { class: isNumber(i) ? 'number' : null }, cell))))))),
      ),
    );
  }

  private async cards(metrics: string[]): Promise<() => void> {
    const { page, state } = this.context;
    const trend = this.tile.trend && page.time !== null ? this.ask('trend', metrics, [page.time], { when: 'all' }) : Promise.resolve([]);
    const [[now], [before], days] = await Promise.all([this.ask('', metrics, []), this.ask('', metrics, [], { when: 'previous' }), trend]);
    return () => {
      this.name(this.tile.title);
      this.root.classList.toggle('untitled', !this.tile.title);
      const chosen = state.days();
      this.body.replaceChildren(
        h('dl', { class: 'cards' },
          ...metrics.map((metric, i) => {
            const value = now?.values[i] ?? null;
            const earlier = before?.values[i] ?? null;
            const info = page.metrics[metric];
            const shown = this.number(value, metric, true);
            const exact = this.number(value, metric);
            const share = earlier !== null && earlier !== 0 && value !== null ? value / earlier - 1 : null;
            const points = days.map((r): [string, number] => [r.keys[0] ?? '', r.values[i] ?? 0]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
            return h('div', { class: 'card', 'data-metric': metric, 'data-value': value === null ? '' : String(value) },
              h('dt', { title: info?.description || null }, info?.label ?? metric),
              h('dd', { class: 'card-value', title: exact === shown ? null : exact }, shown, exact === shown ? null : h('span', { class: 'for-readers' }, ` (${exact})`)),
              share === null ? h('dd', { class: 'card-change none' }) : h('dd', { class: `card-change ${share > 0 ? 'up' : share < 0 ? 'down' : 'same'}`, title: `${t('before')}: ${this.number(earlier, metric)}` }, share === 0 ? null : icon(share > 0 ? 'up' : 'down'), format.change(share), h('span', { class: 'card-before' }, ` ${t('before')}`)),
              points.length > 1 ? h('dd', { class: 'card-trend' }, spark(points, chosen, t('overTime', { n: points.length }))) : null,
            );
          }),
        ),
      );
    };
  }

  private async bars(metrics: string[], labels: string[]): Promise<() => void> {
    const { page, state, theme } = this.context;
    const path = page.live ? [this.tile.by ?? '', ...(this.tile.drill ?? [])] : [this.tile.by ?? ''];
    let depth = 0;
    while (depth < path.length - 1 && state.filters.get(path[depth] ?? '')?.length === 1) depth++;
    const by = path[depth] ?? '';
    const rows = this.largestFirst(await this.ask('', metrics, [by], { whole: true }));
    return () => {
      const scene = this.scene();
      const above = depth > 0 ? path[depth - 1] : undefined;
      this.name(this.tile.title && depth === 0 ? this.tile.title : above !== undefined ? draw.named(page, above, state.filters.get(above)?.[0] ?? null) : this.label(by));
      this.tabulate([by], metrics, rows);
      this.keys(metrics.map((m, i) => ({ name: labels[i] ?? m, colour: theme.metric(m) })), undefined);
      if (this.asTable) return this.showTable();
      if (!rows.length) return this.nothing();
      const most = metrics.map((_, i) => Math.max(0, ...rows.map((r) => r.values[i] ?? 0)));
      const all = Math.max(...most);
      // Metrics of about the same size share a scale; others are compared within themselves.
      const scale = most.map((m) => (m > 0 && all / m > 8 ? m : all) || 1);
      const choose = scene.choose(by);
      const chosen = state.filters.get(by);
      const shown = rows.slice(0, this.tile.n ?? 200);
      this.body.replaceChildren(
        above === undefined ? '' : h('button', { type: 'button', class: 'up-level', click: () => state.setFilter(above, []) }, icon('up'), t('back', { d: this.label(above) })),
        h('ol', { class: 'bars', tabindex: choose ? null : '0' },
          ...shown.map((row) => {
            const key = row.keys[0] ?? null;
            const name = draw.named(page, by, key);
            const inner = [
              h('span', { class: 'bar-name', title: name }, name),
              h('span', { class: 'bar-lines' }, ...metrics.map((m, i) => {
                const fill = h('i', {});
                fill.style.width = `${Math.max(0.4, ((row.values[i] ?? 0) / (scale[i] ?? 1)) * 100)}%`;
                fill.style.background = theme.metric(m);
                return h('span', { class: 'bar-line' }, h('span', { class: 'bar-track' }, fill), h('b', { 'data-metric': m }, h('span', { class: 'for-readers' }, `${labels[i]} `), this.number(row.values[i] ?? null, m, true)));
              })),
            ];
            const classes = `bar${chosen && !chosen.includes(key) ? ' faded' : ''}`;
            return h('li', {}, choose ? h('button', { type: 'button', class: classes, 'aria-pressed': String(chosen?.includes(key) ?? false), click: (e: MouseEvent) => choose(key, e.ctrlKey || e.metaKey) }, ...inner) : h('div', { class: classes }, ...inner));
          }),
          rows.length > shown.length ? h('li', { class: 'rest' }, t('rest', { n: rows.length - shown.length })) : null,
        ),
      );
    };
  }

  private async top(metrics: string[]): Promise<() => void> {
    const { page } = this.context;
    const by = this.tile.by ?? '';
    const rows = this.largestFirst(await this.ask('', metrics, [by])).filter((r) => r.keys[0] !== null && r.values[0] !== null);
    return () => {
      this.name(this.tile.title || `${this.label(by)}: ${page.metrics[metrics[0] ?? '']?.label ?? ''}`);
      this.tabulate([by], metrics, rows.slice(0, 50));
      if (this.asTable) return this.showTable();
      if (!rows.length) return this.nothing();
      const choose = this.scene().choose(by);
      const images = page.dimensions[by]?.images;
      const values = page.dimensions[by]?.values;
      this.body.replaceChildren(
        h('ol', { class: 'top' },
          ...rows.slice(0, this.tile.n ?? 3).map((row, i) => {
            const key = row.keys[0] ?? null;
            const name = draw.named(page, by, key);
            const image = images?.[values?.indexOf(key) ?? -1];
            const picture = typeof image === 'string' && /^(data:image\/|https:)/.test(image) && (page.live || image.startsWith('data:')) ? h('img', { src: image, alt: '', loading: 'lazy' }) : h('span', { class: 'no-image', 'aria-hidden': 'true' }, name.slice(0, 1));
            const inner = [h('span', { class: 'top-picture' }, picture, h('span', { class: 'top-rank' }, String(i + 1))), h('span', { class: 'top-text' }, h('span', { class: 'top-name', title: name }, name), h('span', { class: 'top-value', 'data-value': String(row.values[0]) }, this.number(row.values[0] ?? null, metrics[0] ?? '')))];
            return h('li', {}, choose ? h('button', { type: 'button', class: 'top-item', click: () => choose(key, false) }, ...inner) : h('div', { class: 'top-item' }, ...inner));
          }),
        ),
      );
    };
  }

  /** Whether a chart of the library is shown. */
  get hasChart(): boolean {
    return CHARTS.has(this.tile.kind) && !this.asTable;
  }
}

/** A line as small as a word; the days that are chosen stand out. */
function spark(points: [string, number][], chosen: [string, string] | null, label: string): SVGElement {
  const [width, height, pad] = [120, 28, 0];
  const most = Math.max(...points.map((p) => p[1]), 0) || 1;
  const least = Math.min(...points.map((p) => p[1]), most);
  const floor = least > most * 0.6 ? least - (most - least) * 0.6 : 0;
  const x = (i: number) => pad + (i * (width - 2 * pad)) / (points.length - 1);
  const y = (v: number) => height - 2 - ((v - floor) / (most - floor || 1)) * (height - 5);
  const path = (from: number, to: number) => points.slice(from, to + 1).map((p, i) => `${i ? 'L' : 'M'}${x(from + i).toFixed(1)} ${y(p[1]).toFixed(1)}`).join('');
  const first = Math.max(0, points.findIndex((p) => !chosen || p[0] >= chosen[0]));
  let last = points.length - 1;
  while (last > first && chosen && (points[last]?.[0] ?? '') > chosen[1]) last--;
  const end = points[last];
  return s('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label, class: 'spark' },
    s('path', { class: 'spark-area', d: `${path(first, last)}L${x(last).toFixed(1)} ${height}L${x(first).toFixed(1)} ${height}Z` }),
    first > 0 || last < points.length - 1 ? s('path', { class: 'spark-rest', d: path(0, points.length - 1), 'vector-effect': 'non-scaling-stroke' }) : null,
    s('path', { class: 'spark-line', d: path(first, last), 'vector-effect': 'non-scaling-stroke' }),
    end && first === last ? s('path', { class: 'spark-line', d: `M${x(last) - 1} ${y(end[1]).toFixed(1)}h2`, 'vector-effect': 'non-scaling-stroke' }) : null,
  );
}
