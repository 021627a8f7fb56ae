// A small project with what spoils reports: rows without a user, a platform or a program, sessions over midnight,
// programs that nobody saw, titles that are markup. Its numbers are computed here a second time, from the rows.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const HOSTILE = '</script><img src=x onerror="window.harmed = 1">';
const CATEGORIES = ['Drama', 'Sport', ''];
export const programs = [1, 2, 3, 4, 5].map((id) => ({ program_id: id, title: id === 2 ? HOSTILE : `Ære ${id}`, category: CATEGORIES[id % 3], image: id === 1 ? 'data:image/svg+xml,%3Csvg xmlns=%27http://www.w3.org/2000/svg%27/%3E' : 'https://example.org/x.png' }));
const PLATFORMS = ['TV', 'Mobile', 'Tablet', ''];
export const sessions = Array.from({ length: 60 }, (_, i) => ({
  session_id: i + 1,
  user_id: i % 11 === 0 ? '' : 1 + ((i * 7) % 9),
  platform: PLATFORMS[(i * 5 + (i % 3)) % 4],
  // Some start just before midnight: they and their minutes belong to the day they started on.
  started_at: `2025-03-${String(1 + (i % 20)).padStart(2, '0')} ${i % 5 === 0 ? '23:58:00' : '20:00:00'}`,
}));
export const plays = sessions.flatMap((s, i) => (i % 6 === 0 ? [] : Array.from({ length: 1 + (i % 3) }, (_, k) => ({
  play_id: s.session_id * 10 + k,
  session_id: i === 7 ? 999 : s.session_id,
  program_id: (i + k) % 13 === 0 ? 77 : 1 + ((i + k * 2) % 4),
  minutes: ((i * 13 + k * 5) % 40) + 0.25,
}))));

const csv = (rows) => `${Object.keys(rows[0]).join(',')}\n${rows.map((r) => Object.values(r).map((v) => (/[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : v)).join(',')).join('\n')}\n`;

const FILES = {
  'project.yml': "name: shop\nversion: '1.0'\nprofile: shop\nmodels: {shop: {+materialized: table}}\nseeds: {shop: {+column_types: {user_id: integer}}}\n",
  'models/sessions.sql': "select *, started_at::date as session_date, session_id in (select session_id from {{ ref('raw_plays') }}) as is_streaming from {{ ref('raw_sessions') }}",
  'models/plays.sql': "select p.*, coalesce(s.started_at::date, date '2025-03-01') as session_date from {{ ref('raw_plays') }} as p left join {{ ref('raw_sessions') }} as s using (session_id)",
  'models/programs.sql': "select * from {{ ref('raw_programs') }}",
  'models/_models.yml': `
models:
  - name: sessions
    semantic_model: {enabled: true, name: sessions}
    agg_time_dimension: session_date
    columns:
      - {name: session_id, entity: {type: primary, name: session}}
      - {name: platform, dimension: {type: categorical}}
      - {name: session_date, data_type: date, granularity: day, dimension: {type: time}}
    metrics:
      - {name: sessions, label: Sessioner, description: Sessions started., agg: count, expr: session_id, config: {meta: {bi: {format: '#,0'}}}}
      - {name: users, label: Brugere, agg: count_distinct, expr: user_id, config: {meta: {bi: {format: '#,0'}}}}
      - {name: streaming, label: Streaming, agg: sum_boolean, expr: is_streaming, config: {meta: {bi: {format: '#,0'}}}}
      - {name: streaming_pct, label: Andel streaming, type: ratio, numerator: streaming, denominator: sessions, config: {meta: {bi: {format: '0.0 %'}}}}
      - {name: target, label: Mål, type: derived, expr: sessions * 0.9, input_metrics: [{name: sessions}]}
  - name: plays
    semantic_model: {enabled: true, name: plays}
    agg_time_dimension: session_date
    columns:
      - {name: play_id, entity: {type: primary, name: play}}
      - {name: session_id, entity: {type: foreign, name: session}, config: {meta: {bi: {filter: both}}}}
      - {name: program_id, entity: {type: foreign, name: program}}
      - {name: session_date, data_type: date, granularity: day, dimension: {type: time}}
    metrics:
      - {name: minutes, label: Minutter, agg: sum, expr: minutes, config: {meta: {bi: {format: '#,0.00'}}}}
  - name: programs
    semantic_model: {enabled: true, name: programs}
    columns:
      - {name: program_id, entity: {type: primary, name: program}}
      - {name: title, dimension: {type: categorical}, config: {meta: {bi: {caption: Program}}}}
      - {name: category, dimension: {type: categorical}, config: {meta: {bi: {caption: Kategori}}}}
      - {name: image, config: {meta: {bi: {data_category: ImageUrl}}}}
`,
  'reports/overview.yml': `
report: overview
title: Butik
theme: {colors: ['#D60000', '#000000', '#6E6E6E'], locale: da-DK}
parameters:
  - {name: Maal, metrics: [users, sessions], default: [users, sessions]}
slicers:
  - {parameter: Maal}
  - {dimension: program__category}
  - {dimension: program__title}
  - {dimension: session__platform, hidden: true}
  - {time: date, label: Periode, default: all, periods: [all, last_7_days, weeks, days]}
page:
  - - {cards: [minutes, sessions, users, streaming_pct], trend: true, span: 6}
    - {gauge: streaming, max: sessions, target: target, span: 2}
    - {top: program__title, image: image, by: minutes, show: duration, span: 4}
  - - {donut: {parameter: Maal}, by: session__platform, span: 4}
    - {line: {parameter: Maal}, by: date, span: 4}
    - {bar: {parameter: Maal}, by: program__title, span: 4, rows: 2}
  - - {column: streaming_pct, by: session__platform, span: 4}
    - {table: [sessions, minutes], by: program__category, span: 4}
`,
};

/** Writes the project into a folder. */
export function project(folder) {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  mkdirSync(join(folder, 'seeds'));
  writeFileSync(join(folder, 'seeds/raw_sessions.csv'), csv(sessions));
  writeFileSync(join(folder, 'seeds/raw_plays.csv'), csv(plays));
  writeFileSync(join(folder, 'seeds/raw_programs.csv'), csv(programs));
}

/** The headline numbers for a choice, from the rows. */
export function numbers({ platform, category, title, from = '2025-01-01', to = '2026-01-01' } = {}) {
  const text = (v) => (v === '' ? null : v);
  const program = new Map(programs.map((p) => [p.program_id, p]));
  const known = new Map(sessions.map((s) => [s.session_id, s]));
  const fits = (p) => {
    const found = program.get(p.program_id);
    return (category === undefined || text(found?.category ?? '') === category) && (title === undefined || text(found?.title ?? '') === title);
  };
  const byProgram = category !== undefined || title !== undefined;
  const day = (s) => s?.started_at.slice(0, 10) ?? '2025-03-01';
  const inTime = (d) => d >= from && d <= to;
  const kept = sessions.filter((s) => (platform === undefined || text(s.platform) === platform) && inTime(day(s)) && (!byProgram || plays.some((p) => p.session_id === s.session_id && fits(p))));
  const seen = plays.filter((p) => inTime(day(known.get(p.session_id))) && (platform === undefined || text(known.get(p.session_id)?.platform ?? '') === platform) && fits(p));
  const streaming = kept.filter((s) => plays.some((p) => p.session_id === s.session_id)).length;
  return {
    sessions: kept.length,
    users: new Set(kept.map((s) => s.user_id).filter((u) => u !== '')).size,
    streaming_pct: kept.length ? streaming / kept.length : null,
    minutes: seen.length ? seen.reduce((a, p) => a + p.minutes, 0) : null,
  };
}
