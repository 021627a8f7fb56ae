// From rows to drawings for the chart library. No colours or fonts of its own: they come from the theme.

import type { Drawing, Mark } from './chart';
import { FONT } from './chart';
import { h } from './dom';
import * as format from './format';
import { t } from './texts';
import type { Theme } from './theme';
import type { Metric, Page, Row, Value } from './types';

export interface Scene { page: Page; theme: Theme; chosen: (dimension: string) => Value[] | undefined; choose: (dimension: string) => ((value: Value, more: boolean) => void) | undefined; compact: boolean }

/** A value in words. */
export function named(page: Page, dimension: string, value: Value): string {
  if (value === null) return t('none');
  return page.dimensions[dimension]?.time ? format.day(value, 'weekday') : value;
}

function metricOf(scene: Scene, name: string): Metric {
  return scene.page.metrics[name] ?? { label: name, description: '', format: null, additive: false };
}

interface Line { colour?: string; label: string; value: string; note?: string }

/** The box at the pointer, built of elements: nothing in it is read as markup. */
function tip(title: string, lines: Line[]): HTMLElement {
  return h(
    'div',
    { class: 'tip' },
    h('div', { class: 'tip-title' }, title),
    ...lines.map((line) => {
      const dot = h('i', { class: 'dot' });
      if (line.colour) dot.style.background = line.colour;
      return h('div', { class: 'tip-line' }, line.colour ? dot : null, h('span', {}, line.label), h('b', {}, line.value), line.note ? h('small', {}, line.note) : null);
    }),
  );
}

function tooltip(scene: Scene, formatter: (p: never) => HTMLElement, axis = false) {
  const { surface, ink, line } = scene.theme.colours();
  return {
    trigger: axis ? 'axis' : 'item',
    confine: true,
    transitionDuration: 0.15,
    backgroundColor: surface,
    borderColor: line,
    borderWidth: 1,
    padding: 0,
    textStyle: { color: ink, fontFamily: FONT, fontSize: 12 },
    extraCssText: 'border-radius:6px;box-shadow:0 6px 24px rgba(0,0,0,.16)',
    axisPointer: { type: axis === true ? 'line' : 'none', lineStyle: { color: line, width: 1, type: 'solid' }, shadowStyle: { color: 'rgba(127,127,127,.09)' } },
    formatter,
  };
}

const size = (scene: Scene) => (scene.compact ? 11 : 12);

function axes(scene: Scene) {
  const { muted, line } = scene.theme.colours();
  const label = { color: muted, fontSize: size(scene), fontFamily: FONT };
  return {
    category: { axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { ...label, hideOverlap: true, margin: 8 } },
    value: { axisLine: { show: false }, axisTick: { show: false }, splitLine: { lineStyle: { color: line, type: 'solid', width: 1 } }, splitNumber: 3, axisLabel: { ...label, margin: 8 } },
  };
}

const faded = (scene: Scene, dimension: string | undefined, value: Value) => {
  const chosen = dimension === undefined ? undefined : scene.chosen(dimension);
  return chosen && !chosen.includes(value) ? 0.25 : 1;
};

export function donut(scene: Scene, rows: Row[], metric: string, by: string, total: number | null): Drawing {
  const info = metricOf(scene, metric);
  const { surface, ink, muted } = scene.theme.colours();
  const sum = rows.reduce((a, r) => a + (r.values[0] ?? 0), 0);
  const marks: Mark[] = [];
  const data = rows.map((row, i) => {
    const value = row.values[0] ?? 0;
    const name = named(scene.page, by, row.keys[0] ?? null);
    const share = sum > 0 ? format.percent(value / sum) : '';
    marks.push({ series: 0, index: i, value: row.keys[0] ?? null, text: `${name}: ${format.number(value, info.format)}${info.additive && share ? `, ${share}` : ''}` });
    return { name, value, itemStyle: { color: scene.theme.value(by, row.keys[0] ?? null, i), opacity: faded(scene, by, row.keys[0] ?? null) }, label: { show: i === 0 } };
  });
  const whole = total ?? (info.additive ? sum : null);
  return {
    summary: `${info.label}: ${marks.map((m) => m.text).join('; ')}`,
    marks,
    choose: scene.choose(by),
    option: {
      tooltip: tooltip(scene, ((p: { name: string; value: number; color: string; percent: number }) => tip(p.name, [{ colour: p.color, label: info.label, value: format.number(p.value, info.format), ...(info.additive ? { note: format.percent(sum > 0 ? p.value / sum : 0) } : {}) }])) as never),
      series: [
        {
          type: 'pie',
          radius: ['60%', '88%'],
          center: ['50%', '50%'],
          startAngle: 90,
          padAngle: rows.length > 1 ? 1.2 : 0,
          itemStyle: { borderColor: surface, borderWidth: 0, borderRadius: 2 },
          emphasis: { scaleSize: 4, itemStyle: { opacity: 1 } },
          label: {
            show: true,
            position: 'center',
            formatter: whole === null ? '' : `{v|${format.short(whole, info.format)}}\n{l|${info.label.replace(/[{}|]/g, ' ')}}`,
            rich: { v: { fontSize: scene.compact ? 18 : 24, fontWeight: 650, color: ink, fontFamily: FONT, lineHeight: scene.compact ? 24 : 32 }, l: { fontSize: size(scene), color: muted, fontFamily: FONT } },
          },
          labelLine: { show: false },
          data,
        },
      ],
    },
  };
}

export function gauge(scene: Scene, value: number | null, max: number | null, target: number | null, metric: string): Drawing {
  const info = metricOf(scene, metric);
  const { ink, muted, line, series } = scene.theme.colours();
  const top = max !== null && max > 0 ? max : Math.max(value ?? 0, target ?? 0, 1);
  const reached = target !== null && target > 0 ? Math.min(1, target / top) : null;
  const spoken = `${info.label}: ${format.number(value, info.format)}${max !== null ? ` ${t('of')} ${format.number(max, info.format)}` : ''}${target !== null ? `, ${t('target', { v: format.number(target, info.format) })}` : ''}`;
  const base = (radius: number, centre: [number, number]) => ({ type: 'gauge', startAngle: 200, endAngle: -20, min: 0, max: top, center: centre, radius, axisTick: { show: false }, splitLine: { show: false }, pointer: { show: false }, title: { show: false } });
  return {
    summary: spoken,
    marks: [{ series: 0, index: 0, text: spoken }],
    option: (wide: number, high: number) => {
      const over = scene.compact ? 4 : 6;
      const radius = Math.max(20, Math.min(wide / 2 - over, (high - over - 4) / 1.36));
      const centre: [number, number] = [wide / 2, (high - radius * 1.36) / 2 + radius + over / 2];
      const width = Math.max(8, Math.min(26, radius * 0.2));
      const text = Math.max(15, Math.min(34, radius * 0.34));
      // The target has a line of its own where the arc leaves room for it.
      const notes = [max !== null ? `${t('of')} ${format.short(max, info.format)}` : '', target !== null && radius >= 58 ? t('target', { v: format.short(target, info.format) }) : ''].filter((n) => n !== '');
      return {
      tooltip: tooltip(scene, (() => tip(info.label, [
        { label: info.label, value: format.number(value, info.format) },
        ...(max !== null ? [{ label: t('of'), value: format.number(max, info.format), note: value !== null && max > 0 ? format.percent(value / max) : '' }] : []),
        ...(target !== null ? [{ label: t('target', { v: '' }).trim(), value: format.number(target, info.format) }] : []),
      ])) as never),
      series: [
        {
          ...base(radius, centre),
          progress: { show: true, width, roundCap: false, itemStyle: { color: series[0] } },
          axisLine: { lineStyle: { width, color: [[1, line]] } },
          axisLabel: { show: false },
          detail: { valueAnimation: false, offsetCenter: [0, '-6%'], formatter: () => [`{v|${format.short(value, info.format)}}`, ...notes.map((n) => `{l|${n}}`)].join('\n'), rich: { v: { fontSize: text, fontWeight: 650, color: ink, fontFamily: FONT, lineHeight: text * 1.25 }, l: { fontSize: size(scene), color: muted, fontFamily: FONT, fontWeight: 400, lineHeight: size(scene) * 1.35 } } },
          data: [{ value: value ?? 0, name: info.label }],
        },
        ...(reached === null
          ? []
          : [{ ...base(radius + over, centre), silent: true, progress: { show: false }, axisLine: { lineStyle: { width: width + 2 * over, color: [[Math.max(0, reached - 0.006), 'transparent'], [Math.min(1, reached + 0.006), ink], [1, 'transparent']] } }, axisLabel: { show: false }, detail: { show: false }, data: [{ value: 0 }] }]),
      ],
      };
    },
  };
}

/** Groups of a chart: values of the axis, and for each series its numbers. */
interface Groups { axis: Value[]; series: { name: string; colour: string; metric: string; key?: Value; values: (number | null)[] }[] }

export function groups(scene: Scene, rows: Row[], metrics: string[], by: string, series: string | undefined): Groups {
  const order = (dimension: string, values: Iterable<Value>) => {
    const known = scene.page.dimensions[dimension]?.values;
    const all = [...new Set(values)];
    const at = new Map(known?.map((v, i) => [v, i]));
    const text = (v: Value) => v ?? '\uffff';
    return all.sort((a, b) => (at.get(a) ?? 1e9) - (at.get(b) ?? 1e9) || format.byName(text(a), text(b)));
  };
  const axis = order(by, rows.map((r) => r.keys[0] ?? null));
  const place = new Map(axis.map((v, i) => [v, i]));
  const empty = () => axis.map((): number | null => null);
  if (series === undefined) {
    const all = metrics.map((metric) => ({ name: metricOf(scene, metric).label, colour: scene.theme.metric(metric, metrics.length === 1), metric, values: empty() }));
    for (const row of rows) all.forEach((s, i) => (s.values[place.get(row.keys[0] ?? null) ?? 0] = row.values[i] ?? null));
    return { axis, series: all };
  }
  const metric = metrics[0] ?? '';
  const all = order(series, rows.map((r) => r.keys[1] ?? null)).map((key, i) => ({ name: named(scene.page, series, key), colour: scene.theme.value(series, key, i), metric, key, values: empty() }));
  for (const row of rows) {
    const found = all.find((s) => s.key === (row.keys[1] ?? null));
    if (found) found.values[place.get(row.keys[0] ?? null) ?? 0] = row.values[0] ?? null;
  }
  return { axis, series: all };
}

function marksOf(scene: Scene, g: Groups, by: string): Mark[] {
  return g.axis.flatMap((value, index) => g.series.map((s, series): Mark => ({ series, index, value, text: `${named(scene.page, by, value)}, ${s.name}: ${format.number(s.values[index], metricOf(scene, s.metric).format)}` })));
}

function tips(scene: Scene, g: Groups, by: string) {
  return ((p: { dataIndex: number } | { dataIndex: number }[]) => {
    const at = (Array.isArray(p) ? p[0]?.dataIndex : p.dataIndex) ?? 0;
    const lines = g.series.filter((s) => s.values[at] !== null).map((s): Line => ({ colour: s.colour, label: s.name, value: format.number(s.values[at], metricOf(scene, s.metric).format) }));
    return tip(named(scene.page, by, g.axis[at] ?? null), lines);
  }) as never;
}

export function columns(scene: Scene, g: Groups, by: string, series?: string): Drawing {
  const stacked = series !== undefined;
  const base = axes(scene);
  const { ink, line } = scene.theme.colours();
  const info = metricOf(scene, g.series[0]?.metric ?? '');
  const share = format.shape(info.format).percent;
  const few = g.axis.length <= 6 && g.series.length === 1;
  const largest = Math.max(0, ...g.series.flatMap((s) => s.values.map((v) => v ?? 0)));
  const chosen = scene.chosen(by);
  const chosenSeries = series === undefined ? undefined : scene.chosen(series);
  const names = g.axis.map((v) => named(scene.page, by, v));
  const widest = Math.max(0, ...names.map((n) => n.length)) * size(scene) * 0.6 + 8;
  return {
    summary: `${info.label}: ${g.axis.length} × ${g.series.map((s) => s.name).join(', ')}`,
    marks: marksOf(scene, g, by),
    choose: scene.choose(by),
    option: (wide: number) => ({
      grid: { left: 4, right: 6, top: few ? 20 : 8, bottom: 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: { ...tooltip(scene, tips(scene, g, by), true), axisPointer: { type: 'shadow', shadowStyle: { color: 'rgba(127,127,127,.09)' } } },
      // All groups are named where there is room for that, else every second one or fewer.
      xAxis: { type: 'category', data: names, ...base.category, axisLabel: { ...base.category.axisLabel, ...((wide - (few ? 0 : 50)) / g.axis.length >= widest ? { interval: 0 } : {}) } },
      yAxis: { type: 'value', show: !few, ...(share && largest > 0.5 ? { max: 1 } : {}), ...base.value, axisLabel: { ...base.value.axisLabel, formatter: (v: number) => format.axis(v, info.format) } },
      series: g.series.map((s, i) => ({
        type: 'bar',
        name: s.name,
        ...(stacked ? { stack: 'all' } : {}),
        barMaxWidth: few ? 64 : 36,
        barCategoryGap: g.axis.length > 12 ? '22%' : few ? '34%' : '30%',
        cursor: scene.choose(by) ? 'pointer' : 'default',
        itemStyle: { color: s.colour, borderRadius: !stacked || i === g.series.length - 1 ? [2, 2, 0, 0] : 0 },
        emphasis: { itemStyle: { color: 'inherit' } },
        ...(few && share ? { showBackground: true, backgroundStyle: { color: line, opacity: 0.5, borderRadius: [2, 2, 0, 0] } } : {}),
        label: few ? { show: true, position: share ? 'insideTop' : 'top', color: share ? (scene.theme.dark ? '#111' : '#fff') : ink, fontFamily: FONT, fontWeight: 650, fontSize: scene.compact ? 13 : 15, formatter: (p: { dataIndex: number }) => format.short(s.values[p.dataIndex], info.format) } : { show: false },
        data: s.values.map((value, k) => ({ value: value ?? undefined, itemStyle: { opacity: (chosen && !chosen.includes(g.axis[k] ?? null)) || (chosenSeries && s.key !== undefined && !chosenSeries.includes(s.key)) ? 0.3 : 1 } })),
      })),
    }),
  };
}

export function line(scene: Scene, g: Groups, by: string, time: boolean): Drawing {
  const base = axes(scene);
  const { surface } = scene.theme.colours();
  const most = (values: (number | null)[]) => Math.max(0, ...values.map((v) => v ?? 0));
  const peaks = g.series.map((s) => most(s.values));
  // Series of other sizes get an axis of their own, so that none is pressed flat.
  const first = peaks[0] ?? 0;
  const side = peaks.map((p) => (p > 0 && first > 0 && (p / first > 5 || first / p > 5) ? 1 : 0));
  const two = side.includes(1);
  const axisOf = (i: number) => {
    const at = side.indexOf(i as 0 | 1);
    const format_ = metricOf(scene, g.series[Math.max(0, at)]?.metric ?? '').format;
    return { type: 'value', ...base.value, ...(i ? { position: 'right', splitLine: { show: false } } : {}), axisLabel: { ...base.value.axisLabel, ...(two ? { color: g.series[Math.max(0, at)]?.colour } : {}), formatter: (v: number) => format.axis(v, format_) } };
  };
  return {
    summary: `${g.series.map((s) => s.name).join(', ')}: ${g.axis.length ? `${named(scene.page, by, g.axis[0] ?? null)} – ${named(scene.page, by, g.axis[g.axis.length - 1] ?? null)}` : ''}`,
    marks: marksOf(scene, g, by),
    choose: scene.choose(by),
    option: {
      grid: { left: 4, right: 14, top: 10, bottom: 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: tooltip(scene, tips(scene, g, by), true),
      xAxis: { type: 'category', boundaryGap: g.axis.length === 1, data: g.axis.map((v) => (time && v !== null ? format.day(v, 'axis') : named(scene.page, by, v))), ...base.category },
      yAxis: two ? [axisOf(0), axisOf(1)] : axisOf(0),
      series: g.series.map((s, i) => ({
        type: 'line',
        name: s.name,
        yAxisIndex: two ? side[i] : 0,
        smooth: false,
        symbol: 'circle',
        symbolSize: 7,
        showSymbol: g.axis.length === 1,
        cursor: scene.choose(by) ? 'pointer' : 'default',
        lineStyle: { color: s.colour, width: 2.5, join: 'round' },
        itemStyle: { color: s.colour, borderColor: surface, borderWidth: 2 },
        areaStyle: i === 0 ? { color: { type: 'linear', x: 0, y: 0, x2: 0, y2: 1, colorStops: [{ offset: 0, color: `${s.colour}2e` }, { offset: 1, color: `${s.colour}00` }] } } : undefined,
        emphasis: { focus: 'none', lineStyle: { width: 2.5 } },
        data: s.values.map((v) => v ?? undefined),
      })),
    },
  };
}
