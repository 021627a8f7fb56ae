// One chart of the library: drawn as SVG, read by keyboard and by screen readers, drawn anew when its place changes.

import { BarChart, GaugeChart, LineChart, PieChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import type { ECharts, EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { h } from './dom';
import type { Value } from './types';

use([BarChart, GaugeChart, LineChart, PieChart, GridComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

/** A mark of a chart: what is said of it, and what it stands for. */
export interface Mark { series: number; index: number; text: string; value?: Value }

/** What to draw; what depends on the size of the place is made anew when that changes. */
export interface Drawing { option: EChartsCoreOption | ((wide: number, high: number) => EChartsCoreOption); marks: Mark[]; summary: string; choose?: (value: Value, more: boolean) => void }

export const FONT = '"Inter Variable", Inter, "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif';

const still = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

export class Chart {
  readonly root = h('div', { class: 'chart', tabindex: '0', role: 'application' });
  readonly said = h('div', { class: 'for-readers', role: 'status' });
  private place = h('div', { class: 'chart-place', 'aria-hidden': 'true' });
  private chart: ECharts | null = null;
  private drawing: Drawing | null = null;
  private at = -1;

  constructor(hint: string) {
    this.root.append(this.place, this.said);
    this.root.setAttribute('aria-roledescription', hint);
    this.root.addEventListener('keydown', (e) => this.onKey(e));
    this.root.addEventListener('blur', () => this.leave());
    new ResizeObserver(() => this.fit()).observe(this.place);
  }

  draw(drawing: Drawing): void {
    this.drawing = drawing;
    this.root.setAttribute('aria-label', drawing.summary);
    this.at = -1;
    this.fit(true);
  }

  /** Lets go of what the library holds. */
  drop(): void {
    this.chart?.dispose();
    this.chart = null;
  }

  private fit(anew = false): void {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!this.drawing || width < 20 || height < 20) return;
    if (!this.chart) {
      this.chart = init(this.place, null, { renderer: 'svg', width, height });
      this.chart.on('click', (e) => {
        const event = e as unknown as { seriesIndex?: number; dataIndex?: number; event?: { event?: MouseEvent } };
        const mark = this.drawing?.marks.find((m) => m.series === event.seriesIndex && m.index === event.dataIndex);
        const native = event.event?.event;
        if (mark && mark.value !== undefined) this.drawing?.choose?.(mark.value, Boolean(native?.ctrlKey || native?.metaKey));
      });
      anew = true;
    } else if (this.chart.getWidth() !== width || this.chart.getHeight() !== height) {
      this.chart.resize({ width, height });
      anew ||= typeof this.drawing.option === 'function';
    }
    const option = typeof this.drawing.option === 'function' ? this.drawing.option(width, height) : this.drawing.option;
    if (anew) this.chart.setOption({ animation: !still(), animationDuration: 350, animationDurationUpdate: 300, textStyle: { fontFamily: FONT }, ...option }, { notMerge: true });
  }

  private onKey(e: KeyboardEvent): void {
    const marks = this.drawing?.marks ?? [];
    if (!marks.length) return;
    const step: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const by = step[e.key];
    if (by !== undefined) this.go((this.at + by + marks.length + (this.at < 0 && by < 0 ? 1 : 0)) % marks.length);
    else if (e.key === 'Home') this.go(0);
    else if (e.key === 'End') this.go(marks.length - 1);
    else if (e.key === 'Escape') this.leave();
    else if (e.key === 'Enter' || e.key === ' ') {
      const mark = marks[this.at];
      if (mark?.value !== undefined) this.drawing?.choose?.(mark.value, e.ctrlKey || e.metaKey);
    } else return;
    e.preventDefault();
  }

  private go(to: number): void {
    const marks = this.drawing?.marks ?? [];
    const before = marks[this.at];
    const mark = marks[to];
    if (before) this.chart?.dispatchAction({ type: 'downplay', seriesIndex: before.series, dataIndex: before.index });
    if (!mark) return;
    this.at = to;
    this.chart?.dispatchAction({ type: 'highlight', seriesIndex: mark.series, dataIndex: mark.index });
    this.chart?.dispatchAction({ type: 'showTip', seriesIndex: mark.series, dataIndex: mark.index });
    this.said.textContent = mark.text;
  }

  private leave(): void {
    this.at = -1;
    this.chart?.dispatchAction({ type: 'downplay' });
    this.chart?.dispatchAction({ type: 'hideTip' });
  }
}
