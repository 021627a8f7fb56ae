// Elements without markup in strings: texts of a project stay texts.

type Attributes = Record<string, string | number | boolean | null | undefined | ((e: never) => void)>;
type Child = Node | string | null | undefined | false;

const SVG = 'http://www.w3.org/2000/svg';

function build<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value as unknown as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
  return element;
}

/** An element of HTML; functions become listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return build(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function s(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  return build(document.createElementNS(SVG, tag) as SVGElement, attributes, children);
}

const ICONS: Record<string, string> = {
  chevron: 'M4 6.5l4 4 4-4',
  close: 'M4 4l8 8M12 4l-8 8',
  table: 'M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 6.5v6',
  chart: 'M3 13V8M8 13V3M13 13V6',
  info: 'M8 7.2v4.3M8 4.6v.2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3.05 3.05l1.06 1.06M11.9 11.9l1.05 1.05M3.05 12.95l1.06-1.06M11.9 4.1l1.05-1.05',
  moon: 'M13.5 9.7A6 6 0 0 1 6.3 2.5a6 6 0 1 0 7.2 7.2z',
  check: 'M3.5 8.5l3 3 6-7',
  up: 'M8 13V3.5M4 7.2L8 3.2l4 4',
  down: 'M8 3v9.5M4 8.8l4 4 4-4',
  reset: 'M3 8a5 5 0 1 0 1.6-3.7M3 2.5v3h3',
  print: 'M4.5 6V2.5h7V6M4.5 12h-2V6h11v6h-2M4.5 9.5h7v4h-7z',
};

/** A small drawing of lines; it says nothing to a screen reader. */
export function icon(name: keyof typeof ICONS & string): SVGElement {
  return s('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' }, s('path', { d: ICONS[name] ?? '' }));
}

/** Waits until calls have come to rest. */
export function settled(run: () => void, milliseconds = 120): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(run, milliseconds);
  };
}
