// What is chosen, kept in the address so that a view can be sent to somebody.

import type { DimensionSlicer, Page, ParameterSlicer, Period, TimeSlicer, Value } from './types';

const NOTHING = '~';

export class State {
  filters = new Map<string, Value[]>();
  parameters = new Map<string, string[]>();
  period: string | null = null;
  range: [string, string] | null = null;
  private listeners: (() => void)[] = [];

  constructor(readonly page: Page) {
    this.read();
    window.addEventListener('hashchange', () => {
      if (location.hash.slice(1) !== this.written()) {
        this.read();
        this.tell();
      }
    });
  }

  get time(): TimeSlicer | undefined {
    return this.page.slicers.find((s): s is TimeSlicer => s.kind === 'time');
  }

  get dimensions(): DimensionSlicer[] {
    return this.page.slicers.filter((s): s is DimensionSlicer => s.kind === 'dimension');
  }

  parameter(name: string): ParameterSlicer | undefined {
    return this.page.slicers.find((s): s is ParameterSlicer => s.kind === 'parameter' && s.name === name);
  }

  /** Metrics that are chosen for a parameter. */
  chosen(name: string): string[] {
    return this.parameters.get(name) ?? this.parameter(name)?.default ?? [];
  }

  current(): Period | undefined {
    const time = this.time;
    return time?.periods.find((p) => p.key === (this.period ?? time.default));
  }

  /** First and last day of what is chosen. */
  days(): [string, string] | null {
    if (this.range) return this.range;
    const period = this.current();
    return period ? [period.from, period.to] : null;
  }

  /** The stretch of the same length before, where the data has it. */
  daysBefore(): [string, string] | null {
    if (!this.range) {
      const key = this.current()?.previous;
      const period = this.time?.periods.find((p) => p.key === key);
      return period ? [period.from, period.to] : null;
    }
    const [from, to] = this.range;
    const step = 86400000;
    const length = Math.round((Date.parse(to) - Date.parse(from)) / step) + 1;
    const iso = (time: number) => new Date(time).toISOString().slice(0, 10);
    const before: [string, string] = [iso(Date.parse(from) - length * step), iso(Date.parse(from) - step)];
    return this.page.from !== null && before[0] >= this.page.from ? before : null;
  }

  get isDefault(): boolean {
    return this.filters.size === 0 && this.parameters.size === 0 && this.range === null && (this.period ?? this.time?.default) === this.time?.default;
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  setFilter(dimension: string, values: Value[]): void {
    if (values.length) this.filters.set(dimension, values);
    else this.filters.delete(dimension);
    this.changed();
  }

  /** Chooses a value, or lets it go if it is chosen; with `more`, beside others. */
  toggle(dimension: string, value: Value, more = false): void {
    const now = this.filters.get(dimension) ?? [];
    const has = now.includes(value);
    this.setFilter(dimension, more && this.page.live ? (has ? now.filter((v) => v !== value) : [...now, value]) : has && now.length === 1 ? [] : [value]);
  }

  setPeriod(key: string): void {
    this.period = key;
    this.range = null;
    this.changed();
  }

  setRange(from: string, to: string): void {
    this.range = from <= to ? [from, to] : [to, from];
    this.period = null;
    this.changed();
  }

  setParameter(name: string, metrics: string[]): void {
    const standard = this.parameter(name)?.default ?? [];
    if (metrics.length === 0 || metrics.join() === standard.join()) this.parameters.delete(name);
    else this.parameters.set(name, metrics);
    this.changed();
  }

  reset(): void {
    this.filters.clear();
    this.parameters.clear();
    this.period = null;
    this.range = null;
    this.changed();
  }

  private changed(): void {
    const text = this.written();
    history.replaceState(null, '', text ? `#${text}` : location.pathname + location.search);
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private written(): string {
    const out: string[] = [];
    const code = (v: Value) => encodeURIComponent(v === null ? NOTHING : v.startsWith(NOTHING) ? NOTHING + v : v);
    for (const [dimension, values] of this.filters) for (const v of values) out.push(`${dimension}=${code(v)}`);
    for (const [name, metrics] of this.parameters) out.push(`${encodeURIComponent(name)}=${metrics.join('.')}`);
    if (this.range) out.push(`from=${this.range[0]}`, `to=${this.range[1]}`);
    else if (this.period !== null && this.period !== this.time?.default) out.push(`period=${encodeURIComponent(this.period)}`);
    return out.join('&');
  }

  private read(): void {
    this.filters.clear();
    this.parameters.clear();
    this.period = null;
    this.range = null;
    const words = new URLSearchParams(location.hash.slice(1).replace(/\+/g, '%2B'));
    const known = new Map(this.dimensions.map((d) => [d.dimension, this.page.dimensions[d.dimension]?.values]));
    for (const [name, text] of words) {
      const value: Value = text === NOTHING ? null : text.startsWith(NOTHING + NOTHING) ? text.slice(1) : text;
      const values = known.get(name);
      if (known.has(name) && (this.page.live || !values || values.includes(value))) {
        const before = this.page.live ? this.filters.get(name) ?? [] : [];
        this.filters.set(name, [...before, value]);
      }
      const parameter = this.parameter(name);
      const metrics = text.split('.').filter((m) => parameter?.metrics.includes(m));
      if (parameter && metrics.length) this.parameters.set(name, metrics);
    }
    const period = words.get('period');
    if (period !== null && this.time?.periods.some((p) => p.key === period && !p.hidden)) this.period = period;
    const [from, to] = [words.get('from'), words.get('to')];
    const isDay = (text: string | null): text is string => text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
    if (this.page.live && isDay(from) && isDay(to)) this.range = [from, to];
  }
}
