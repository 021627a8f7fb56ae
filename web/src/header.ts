// The head of the page: logo, slicers, what else is filtered, colours and print.

import { definitions } from './dialog';
import { h, icon } from './dom';
import { named } from './draw';
import { Dropdown, type Choice } from './dropdown';
import * as format from './format';
import type { State } from './state';
import { t } from './texts';
import type { Theme } from './theme';
import type { DimensionSlicer, Page, ParameterSlicer, Period, TimeSlicer, Value } from './types';

const NULL_KEY = '\u0000';
const keyOf = (value: Value) => (value === null ? NULL_KEY : `=${value}`);
const valueOf = (key: string): Value => (key === NULL_KEY ? null : key.slice(1));

export function header(page: Page, state: State, theme: Theme, redraw: () => void): { root: HTMLElement; update: () => void } {
  const dropdowns = page.slicers.flatMap((slicer) => {
    if (slicer.kind === 'parameter') return [parameter(page, state, slicer)];
    if (slicer.kind === 'time') return [time(page, state, slicer)];
    return slicer.hidden ? [] : [dimension(page, state, slicer)];
  });
  const chips = h('div', { class: 'chips' });
  const reset = h('button', { type: 'button', class: 'reset', title: t('reset'), click: () => state.reset() }, icon('reset'), h('span', {}, t('reset')));
  const colours = h('button', { type: 'button', class: 'tool', click: () => { theme.toggle(); label(); redraw(); } });
  const label = () => {
    const text = theme.dark ? t('light') : t('dark');
    colours.setAttribute('aria-label', text);
    colours.title = text;
    colours.replaceChildren(icon(theme.dark ? 'sun' : 'moon'));
  };
  const print = h('button', { type: 'button', class: 'tool', 'aria-label': t('print'), title: t('print'), click: () => window.print() }, icon('print'));
  const brand = page.theme.logo ? h('img', { class: 'logo', src: page.theme.logo, alt: page.title }) : h('span', { class: 'logo-text' }, page.title);
  const root = h('header', { class: 'top-bar' },
    h('h1', { class: 'brand' }, brand),
    h('p', { class: 'page-name' }, page.description),
    h('div', { class: 'slicers', role: 'group', 'aria-label': t('filters') }, chips, reset, ...dropdowns.map((d) => d.root)),
    h('div', { class: 'head-tools' }, print, colours),
  );
  const update = () => {
    label();
    for (const dropdown of dropdowns) dropdown.update();
    reset.hidden = state.isDefault;
    const visible = new Set(page.slicers.flatMap((s) => (s.kind === 'dimension' && !s.hidden ? [s.dimension] : [])));
    const others = [...state.filters].filter(([name]) => !visible.has(name));
    chips.replaceChildren(...others.map(([name, values]) => {
      const text = `${page.dimensions[name]?.label ?? name}: ${values.map((v) => named(page, name, v)).join(', ')}`;
      return h('button', { type: 'button', class: 'chip', 'aria-label': t('removeFilter', { d: text }), click: () => state.setFilter(name, []) }, h('span', {}, text), icon('close'));
    }));
  };
  return { root, update };
}

function parameter(page: Page, state: State, slicer: ParameterSlicer): Dropdown {
  const label = (name: string) => page.metrics[name]?.label ?? name;
  return new Dropdown({
    label: slicer.label,
    many: true,
    choices: () => slicer.metrics.map((name): Choice => ({ key: name, label: label(name) })),
    chosen: () => state.chosen(slicer.name),
    text: () => state.chosen(slicer.name).map(label).join(', '),
    active: () => state.parameters.has(slicer.name),
    choose: (keys) => state.setParameter(slicer.name, slicer.metrics.filter((m) => keys.includes(m))),
  });
}

function dimension(page: Page, state: State, slicer: DimensionSlicer): Dropdown {
  const known = page.dimensions[slicer.dimension];
  const list = [...(known?.values ?? [])];
  if (!known?.sorted) list.sort((a, b) => (a === null ? 1 : b === null ? -1 : format.byName(a, b)));
  const values = () => list;
  const chosen = () => state.filters.get(slicer.dimension) ?? [];
  return new Dropdown({
    label: slicer.label,
    many: page.live,
    choices: () => [{ key: '', label: t('all') }, ...values().map((v): Choice => ({ key: keyOf(v), label: named(page, slicer.dimension, v) }))],
    chosen: () => (chosen().length ? chosen().map(keyOf) : ['']),
    text: () => {
      const now = chosen();
      return now.length === 0 ? t('all') : now.length === 1 ? named(page, slicer.dimension, now[0] ?? null) : t('chosen', { n: now.length });
    },
    active: () => chosen().length > 0,
    choose: (keys) => state.setFilter(slicer.dimension, keys.map(valueOf)),
  });
}

function periodName(period: Period): string {
  switch (period.kind) {
    case 'all': return t('wholePeriod');
    case 'last': return period.days === 1 ? t('lastDay') : t('lastDays', { n: period.days ?? 0 });
    case 'week': return t('week', { n: format.isoWeek(period.from) });
    case 'month': return format.month(period.from);
    case 'day': return format.day(period.from, 'weekday');
  }
}

function time(page: Page, state: State, slicer: TimeSlicer): Dropdown {
  const group: Record<Period['kind'], string> = { all: t('presets'), last: t('presets'), week: t('weeks'), month: t('months'), day: t('days') };
  const below = (close: () => void): HTMLElement => {
    const [from, to] = state.days() ?? [page.from ?? '', page.to ?? ''];
    const field = (value: string) => h('input', { type: 'date', value, min: page.from, max: page.to, required: true });
    const [first, last] = [field(from), field(to)];
    return h('form', { class: 'range', submit: (e: SubmitEvent) => { e.preventDefault(); close(); state.setRange(first.value, last.value); } }, h('label', {}, t('from'), first), h('label', {}, t('to'), last), h('button', { type: 'submit', class: 'primary' }, t('apply')));
  };
  return new Dropdown({
    label: slicer.label,
    many: false,
    choices: () => slicer.periods.filter((p) => !p.hidden).map((p): Choice => ({ key: p.key, label: periodName(p), group: group[p.kind], ...(p.kind === 'day' ? {} : { note: format.range(p.from, p.to) }) })),
    chosen: () => (state.range ? [] : [state.current()?.key ?? '']),
    text: () => {
      const days = state.days();
      const period = state.current();
      return state.range || !period || period.kind === 'all' ? (days ? format.range(...days) : '') : periodName(period);
    },
    active: () => state.range !== null || (state.period !== null && state.period !== slicer.default),
    choose: (keys) => state.setPeriod(keys[0] ?? slicer.default),
    ...(page.live ? { below } : {}),
  });
}

export function footer(page: Page): HTMLElement {
  return h('footer', { class: 'foot' },
    page.to === null ? null : h('span', {}, t('dataUntil', { d: format.day(page.to) })),
    h('span', {}, page.live ? t('live') : t('built', { d: format.moment(page.builtAt) })),
    h('button', { type: 'button', class: 'link', click: () => definitions(page, Object.keys(page.metrics), t('definitions')) }, t('definitions')),
  );
}
