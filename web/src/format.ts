// Numbers and dates in the page's language.

import { t } from './texts';

let locale = 'en-GB';
const numbers = new Map<string, Intl.NumberFormat>();

export function useLocale(name: string): void {
  try {
    new Intl.NumberFormat(name);
    locale = name;
  } catch {
    locale = 'en-GB';
  }
  numbers.clear();
}

interface Shape { options: Intl.NumberFormatOptions; before: string; after: string; percent: boolean }
const shapes = new Map<string, Shape>();

/** Reads a format as spreadsheets write it: digits, grouping, percent, texts in quotes. */
export function shape(format: string | null): Shape {
  const text = format ?? '#,0.##';
  const known = shapes.get(text);
  if (known) return known;
  const section = text.split(';')[0] ?? '';
  const match = /[#0][#0,.]*/.exec(section);
  const core = match?.[0] ?? '#,0';
  const [, decimals = ''] = core.split('.');
  const percent = /%/.test(section.replace(/"[^"]*"/g, ''));
  const words = (part: string) => part.replace(/"([^"]*)"/g, '$1').replace(/[%\\]/g, '').replace(/\s+/g, '\u00a0');
  const at = match?.index ?? 0;
  const found: Shape = {
    options: {
      minimumFractionDigits: (decimals.match(/0/g) ?? []).length,
      maximumFractionDigits: decimals.length,
      useGrouping: core.includes(','),
      ...(percent ? { style: 'percent' } : {}),
    },
    before: words(section.slice(0, at)),
    after: percent ? '' : words(section.slice(at + core.length)),
    percent,
  };
  shapes.set(text, found);
  return found;
}

function intl(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale, options)));
  return format;
}

/** A number in its metric's format. */
export function number(value: number | null | undefined, format: string | null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const { options, before, after } = shape(format);
  return before + intl(options).format(value) + after;
}

/** The same, but millions and more in short. */
export function short(value: number | null | undefined, format: string | null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (shape(format).percent || size < 1e6) return number(value, format);
  const [by, word] = size < 1e9 ? [1e6, t('million')] : [1e9, t('billion')];
  const scaled = value / by;
  const digits = Math.abs(scaled) < 10 ? 2 : Math.abs(scaled) < 100 ? 1 : 0;
  return `${intl({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(scaled)}\u00a0${word}`;
}

/** A number for an axis: as short as it can be said. */
export function axis(value: number, format: string | null): string {
  if (shape(format).percent) return intl({ style: 'percent', maximumFractionDigits: 0 }).format(value);
  const size = Math.abs(value);
  if (size >= 1e6) return `${intl({ maximumFractionDigits: 1 }).format(value / (size >= 1e9 ? 1e9 : 1e6))}\u00a0${t(size >= 1e9 ? 'billion' : 'million')}`;
  return intl({ maximumFractionDigits: size < 10 ? 2 : 0 }).format(value);
}

/** A share with its sign: +4,2 %. */
export function change(share: number): string {
  return intl({ style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: Math.abs(share) < 0.1 ? 1 : 0 }).format(share);
}

export function percent(share: number): string {
  return intl({ style: 'percent', maximumFractionDigits: 0 }).format(share);
}

/** Minutes as days, hours and minutes. */
export function duration(minutes: number | null | undefined): string {
  if (minutes === null || minutes === undefined || !Number.isFinite(minutes)) return '–';
  const all = Math.round(minutes);
  const parts: [number, string][] = [[Math.floor(all / 1440), t('day')], [Math.floor((all % 1440) / 60), t('hour')], [all % 60, t('minute')]];
  const first = parts.findIndex(([n]) => n > 0);
  return (first < 0 ? parts.slice(2) : parts.slice(first)).map(([n, unit]) => `${intl({}).format(n)}\u00a0${unit}`).join(' ');
}

/** A day, given as YYYY-MM-DD. */
export function day(iso: string, style: 'long' | 'short' | 'axis' | 'weekday' = 'short'): string {
  const date = new Date(`${iso.slice(0, 10)}T12:00:00Z`);
  if (Number.isNaN(date.getTime())) return iso;
  const options: Record<string, Intl.DateTimeFormatOptions> = {
    long: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
    short: { day: 'numeric', month: 'short', year: 'numeric' },
    axis: { day: 'numeric', month: 'short' },
    weekday: { weekday: 'short', day: 'numeric', month: 'short' },
  };
  return new Intl.DateTimeFormat(locale, { ...options[style], timeZone: 'UTC' }).format(date);
}

/** Two days, what they share said once. */
export function range(from: string, to: string): string {
  const date = (iso: string) => new Date(`${iso}T12:00:00Z`);
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).formatRange(date(from), date(to));
}

export function month(iso: string): string {
  return new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${iso}T12:00:00Z`));
}

/** A moment of the clock here. */
export function moment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}

/** ISO week of a day. */
export function isoWeek(iso: string): number {
  const date = new Date(`${iso}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  return Math.ceil(((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86400000 + 1) / 7);
}

/** Compares names as the language sorts them: Æ, Ø, Å last in Danish. */
export function byName(a: string, b: string): number {
  return a.localeCompare(b, locale, { numeric: true });
}
