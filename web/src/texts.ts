// The page's own words.

const da = {
  all: 'Alle', none: '(tom)', reset: 'Nulstil', search: 'Søg', noHits: 'Ingen fundet', wholePeriod: 'Hele perioden', lastDays: 'Seneste {n} dage',
  lastDay: 'Seneste dag', presets: 'Perioder', weeks: 'Uger', months: 'Måneder', days: 'Dage', week: 'Uge {n}', from: 'Fra', to: 'Til', apply: 'Vis',
  asTable: 'Vis som tabel', asChart: 'Vis som graf', definition: 'Definition', definitions: 'Målenes definitioner', close: 'Luk', dark: 'Mørke farver',
  light: 'Lyse farver', print: 'Udskriv', dataUntil: 'Data til og med {d}', built: 'Bygget {d}', live: 'Live fra databasen', before: 'mod forrige periode',
  unfiltered: 'Følger ikke {d}', of: 'af', target: 'Mål {v}', empty: 'Ingen data for dette valg', day: 'd.', hour: 't.', minute: 'm.', million: 'mio.',
  billion: 'mia.', removeFilter: 'Fjern filteret {d}', filters: 'Filtre', skip: 'Gå til indholdet', howToRead: 'Piletaster læser værdierne, Enter filtrerer',
  failed: 'Kunne ikke hentes: {d}', loading: 'Henter', back: 'Tilbage til {d}', chosen: '{n} valgt', total: 'I alt', overTime: 'Udvikling over {n} dage',
  noDescription: 'Ingen beskrivelse.', sql: 'SQL', rest: '{n} til', showAll: 'Vis alle {n}',
  overlap: 'Delene overlapper', overlapWhy: 'Den samme tæller med i hver del, den hører til, men kun én gang i alt',
};

type Words = typeof da;

const en: Words = {
  all: 'All', none: '(blank)', reset: 'Reset', search: 'Search', noHits: 'Nothing found', wholePeriod: 'Whole period', lastDays: 'Last {n} days',
  lastDay: 'Last day', presets: 'Periods', weeks: 'Weeks', months: 'Months', days: 'Days', week: 'Week {n}', from: 'From', to: 'To', apply: 'Show',
  asTable: 'Show as table', asChart: 'Show as chart', definition: 'Definition', definitions: 'Definitions of metrics', close: 'Close', dark: 'Dark colours',
  light: 'Light colours', print: 'Print', dataUntil: 'Data up to {d}', built: 'Built {d}', live: 'Live from the database', before: 'vs. previous period',
  unfiltered: 'Does not follow {d}', of: 'of', target: 'Target {v}', empty: 'No data for this choice', day: 'd', hour: 'h', minute: 'm', million: 'm',
  billion: 'bn', removeFilter: 'Remove the filter {d}', filters: 'Filters', skip: 'Skip to content', howToRead: 'Arrow keys read the values, Enter filters',
  failed: 'Could not be loaded: {d}', loading: 'Loading', back: 'Back to {d}', chosen: '{n} chosen', total: 'Total', overTime: 'Over {n} days',
  noDescription: 'No description.', sql: 'SQL', rest: '{n} more', showAll: 'Show all {n}',
  overlap: 'Parts overlap', overlapWhy: 'The same one counts in each part it belongs to, but only once in all',
};

let words: Words = en;

/** Chooses the language of a locale. */
export function speak(locale: string): void {
  words = locale.toLowerCase().startsWith('da') ? da : en;
}

/** A text, with values put in. */
export function t(name: keyof Words, values: Record<string, string | number> = {}): string {
  return words[name].replace(/\{(\w)\}/g, (_, key: string) => String(values[key] ?? ''));
}
