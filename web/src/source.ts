// Where numbers come from: the data in the file, or the server that the page came from. Both answer the same questions.

import type { State } from './state';
import type { Dataset, Page, Question, Row, Value } from './types';

export interface Source {
  ask(question: Question, state: State): Promise<Row[]>;
}

/** All days of the page. */
function whole(page: Page): [string, string] | null {
  return page.from !== null && page.to !== null ? [page.from, page.to] : null;
}

/** Answers from the data in the page, which holds every choice of slicers as the database computed it. */
export class FileSource implements Source {
  private indexes = new Map<string, Map<string, number[]>>();

  constructor(private page: Page) {}

  async ask(question: Question, state: State): Promise<Row[]> {
    const at = this.page.data?.uses[question.id];
    const data = at === undefined ? undefined : this.page.data?.sets[at];
    if (!data) return [];
    const key = this.key(data, question, state);
    if (key === null) return [];
    const keys = data.slicers.length + (data.periods ? 1 : 0);
    const wanted = question.metrics.map((m) => keys + data.by.length + data.metrics.indexOf(m));
    const rows: Row[] = [];
    const days = question.when === 'all' ? whole(this.page) : state.days();
    for (const i of this.index(String(at), data).get(key) ?? []) {
      const names = data.by.map((dimension, k): Value => this.value(dimension, data.columns[keys + k]?.[i] ?? -1));
      const kept = data.by.every((dimension, k) => {
        const name = names[k] ?? null;
        if (dimension === this.page.time && days) return name !== null && name >= days[0] && name <= days[1];
        const chosen = state.filters.get(dimension);
        return question.whole || !chosen || chosen.includes(name);
      });
      if (kept) rows.push({ keys: names, values: wanted.map((column) => data.columns[column]?.[i] ?? null) });
    }
    return rows;
  }

  private value(dimension: string, code: number): Value {
    return this.page.dimensions[dimension]?.values?.[code] ?? null;
  }

  /** The choice of slicers as text; null if the data does not have it. */
  private key(data: Dataset, question: Question, state: State): string | null {
    const parts: number[] = [];
    if (data.periods) {
      const periods = state.time?.periods ?? [];
      const current = state.current();
      const name = question.when === 'previous' ? current?.previous : current?.key;
      const at = periods.findIndex((p) => p.key === name);
      if (at < 0) return null;
      parts.push(at);
    }
    for (const slicer of data.slicers) {
      const chosen = state.filters.get(slicer);
      if (!chosen || chosen.length === 0) parts.push(-1);
      else {
        const at = this.page.dimensions[slicer]?.values?.indexOf(chosen[0] ?? null) ?? -1;
        if (at < 0) return null;
        parts.push(at);
      }
    }
    return parts.join();
  }

  private index(id: string, data: Dataset): Map<string, number[]> {
    let index = this.indexes.get(id);
    if (index) return index;
    index = new Map();
    const width = data.slicers.length + (data.periods ? 1 : 0);
    const count = data.columns[0]?.length ?? 0;
    for (let i = 0; i < count; i++) {
      let key = '';
      for (let k = 0; k < width; k++) key += (k ? ',' : '') + data.columns[k]?.[i];
      const rows = index.get(key);
      if (rows) rows.push(i);
      else index.set(key, [i]);
    }
    this.indexes.set(id, index);
    return index;
  }
}

/** Asks the server; the same question is not asked twice. */
export class LiveSource implements Source {
  private answers = new Map<string, Promise<Row[]>>();

  ask(question: Question, state: State): Promise<Row[]> {
    const days = question.when === 'all' ? whole(state.page) : question.when === 'previous' ? state.daysBefore() : state.days();
    if (question.when === 'previous' && !days) return Promise.resolve([]);
    const filters = [...state.filters].filter(([dimension]) => !(question.whole && question.by.includes(dimension)) && !question.blind?.includes(dimension));
    const body = JSON.stringify({
      metrics: question.metrics,
      group_by: question.by,
      filters: filters.map(([dimension, values]) => ({ dimension, values })),
      ...(days ? { from: days[0], to: days[1] } : {}),
    });
    let answer = this.answers.get(body);
    if (!answer) {
      answer = this.post(body);
      this.answers.set(body, answer);
      answer.catch(() => this.answers.delete(body));
      if (this.answers.size > 400) this.answers.delete(this.answers.keys().next().value ?? '');
    }
    return answer;
  }

  private async post(body: string): Promise<Row[]> {
    const response = await fetch('/api/query', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const answer = (await response.json().catch(() => ({}))) as { rows?: { keys: Value[]; values: (number | null)[] }[]; error?: string };
    if (!response.ok || !answer.rows) throw new Error(answer.error ?? `${response.status} ${response.statusText}`);
    return answer.rows;
  }
}
