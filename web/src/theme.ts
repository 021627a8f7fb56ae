// Colours: the project's own, made readable on light and on dark paper.

import type { Page, Value } from './types';

type Rgb = [number, number, number];

const KEY = 'tv1-colours';

function parse(text: string): Rgb | null {
  const match = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim());
  if (!match?.[1]) return null;
  const hex = match[1].length === 3 ? [...match[1]].map((c) => c + c).join('') : match[1];
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)) as Rgb;
}

const show = (rgb: Rgb) => `#${rgb.map((c) => Math.round(c).toString(16).padStart(2, '0')).join('')}`;

/** Relative luminance as WCAG 2 defines it. */
function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const mix = (a: Rgb, b: Rgb, share: number): Rgb => a.map((c, i) => c + ((b[i] ?? 0) - c) * share) as Rgb;

/** The colour, moved towards black or white until it stands out from the paper. */
function readable(rgb: Rgb, paper: Rgb, least: number): Rgb {
  const ink: Rgb = luminance(paper) < 0.2 ? [255, 255, 255] : [0, 0, 0];
  let out = rgb;
  for (let i = 0; i < 20 && contrast(out, paper) < least; i++) out = mix(out, ink, 0.08);
  return out;
}

export interface Colours { dark: boolean; ink: string; muted: string; line: string; surface: string; series: string[] }

export class Theme {
  private of = new Map<string, number>();

  constructor(private page: Page) {
    const saved = this.saved();
    if (saved) document.documentElement.dataset['theme'] = saved;
    this.apply();
  }

  private saved(): string | null {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  get dark(): boolean {
    const chosen = document.documentElement.dataset['theme'];
    return chosen ? chosen === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  }

  toggle(): void {
    const name = this.dark ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = name;
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // The choice then holds for this visit.
    }
    this.apply();
  }

  onSystemChange(run: () => void): void {
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.apply();
      run();
    });
  }

  private apply(): void {
    const accent = this.colours().series[0];
    if (accent) document.documentElement.style.setProperty('--accent', accent);
  }

  colours(print = false): Colours {
    const dark = this.dark && !print;
    const paper: Rgb = dark ? [24, 24, 27] : [255, 255, 255];
    const given = this.page.theme.colors.map(parse).filter((c): c is Rgb => c !== null);
    const base: Rgb[] = given.length ? given : [[214, 0, 0], [0, 0, 0], [110, 110, 110]];
    const more: Rgb[] = [[154, 148, 142], [122, 0, 0], [201, 134, 62], [62, 100, 120], [190, 186, 180]];
    const series = [...base, ...more].map((c) => {
      // Black and greys turn over on dark paper, so that what was boldest stays boldest.
      const grey = Math.max(...c) - Math.min(...c) < 12;
      const turned: Rgb = dark && grey ? (c.map((v) => 236 - v * 0.86) as Rgb) : dark ? mix(c, [255, 70, 70], c[0] > 180 && c[1] < 60 ? 0.5 : 0) : c;
      return show(readable(turned, paper, 3));
    });
    return dark
      ? { dark, ink: '#f3f2f0', muted: '#a5a2a0', line: '#303034', surface: '#18181b', series }
      : { dark, ink: '#141414', muted: '#65625e', line: '#e5e2dd', surface: '#ffffff', series };
  }

  /** A metric has one colour wherever it is shown, and so has a value of a dimension. */
  metric(name: string, alone = false): string {
    let at = this.of.get(name);
    if (at === undefined && !alone) this.of.set(name, (at = this.of.size));
    const { series } = this.colours();
    return series[(at ?? 0) % series.length] ?? '#888';
  }

  value(dimension: string, value: Value, at: number): string {
    const known = this.page.dimensions[dimension]?.values?.indexOf(value) ?? -1;
    const { series } = this.colours();
    return series[(known < 0 ? at : known) % series.length] ?? '#888';
  }
}
