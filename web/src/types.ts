// What the page is given: its layout, its metrics and dimensions, and (in a file) its data.

/** A value of a dimension; null stands for rows that have none. */
export type Value = string | null;

export interface Metric {
  label: string;
  description: string;
  /** Number format in the way of spreadsheets: `#,0`, `0.0 %`. */
  format: string | null;
  /** Whether parts add up to the whole. */
  additive: boolean;
}

export interface Dimension {
  label: string;
  time: boolean;
  /** Whether the values stand in an order of their own; else they are sorted by name. */
  sorted: boolean;
  /** All values in their order, where the page needs them. */
  values?: Value[];
  /** Images of the values, in the same order. */
  images?: Value[];
}

export interface Period {
  key: string;
  kind: 'all' | 'last' | 'week' | 'month' | 'day';
  /** Days of a `last` period. */
  days?: number;
  from: string;
  to: string;
  /** The period of the same length before, if the data has it whole. */
  previous?: string;
  /** Only there to be compared with. */
  hidden?: boolean;
}

export interface ParameterSlicer { kind: 'parameter'; name: string; label: string; metrics: string[]; default: string[] }
export interface DimensionSlicer { kind: 'dimension'; dimension: string; label: string; hidden?: boolean }
export interface TimeSlicer { kind: 'time'; dimension: string; label: string; periods: Period[]; default: string }
export type Slicer = ParameterSlicer | DimensionSlicer | TimeSlicer;

export type Kind = 'cards' | 'gauge' | 'donut' | 'column' | 'bar' | 'line' | 'table' | 'top';

export interface Tile {
  id: string;
  kind: Kind;
  title: string;
  row: number;
  column: number;
  span: number;
  rows: number;
  metrics: string[];
  /** Name of the parameter whose choice takes the place of `metrics`. */
  parameter?: string;
  by?: string;
  series?: string;
  /** Most rows that are shown. */
  n?: number;
  /** Finer dimensions that a choice leads to, where the page is live. */
  drill?: string[];
  /** `duration`: minutes as days, hours and minutes. */
  show?: string;
  /** Whether cards show how their metrics went over time. */
  trend?: boolean;
  /** Slicers that the data of the file cannot follow here. */
  unfiltered?: string[];
  sql?: string;
}

/** Values of a query for every choice of slicers: columns of numbers, each as long as there are rows. */
export interface Dataset {
  periods: boolean;
  slicers: string[];
  by: string[];
  metrics: string[];
  /** Period, slicers, groups: indexes, -1 for all; then metrics. */
  columns: (number | null)[][];
}

export interface Page {
  name: string;
  title: string;
  description: string;
  locale: string;
  builtAt: string;
  from: string | null;
  to: string | null;
  live: boolean;
  theme: { colors: string[]; logo: string | null };
  heights: number[];
  metrics: Record<string, Metric>;
  dimensions: Record<string, Dimension>;
  slicers: Slicer[];
  tiles: Tile[];
  /** The time dimension of the page. */
  time: string | null;
  data?: Data;
}

/** The data of a file: sets of rows, and which question each answers. */
export interface Data { sets: Dataset[]; uses: Record<string, number> }

/** One row of an answer. */
export interface Row { keys: Value[]; values: (number | null)[] }

/** A question: metrics by dimensions. */
export interface Question {
  /** Name of the data in a file: the tile and what of it. */
  id: string;
  metrics: string[];
  by: string[];
  /** `all`: of all days; `previous`: of the period before; else of the period that is chosen. */
  when?: 'all' | 'previous';
  /** Groups that are shown whole although a value of theirs is chosen. */
  whole?: boolean;
  /** Dimensions whose choice is not followed. */
  blind?: string[];
}
