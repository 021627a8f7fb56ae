// Small helpers over the DOM. Text is always set as text: nothing on this page is parsed as HTML.

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An HTML element. Properties starting with `on` are listeners, the rest attributes. */
function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element. */
function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), properties, children);
}

const ICONS = {
  copy: 'M7 7V4.5A1.5 1.5 0 0 1 8.5 3h7A1.5 1.5 0 0 1 17 4.5v7a1.5 1.5 0 0 1-1.5 1.5H13M4.5 7h7A1.5 1.5 0 0 1 13 8.5v7a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 3 15.5v-7A1.5 1.5 0 0 1 4.5 7Z',
  done: 'm4 10.5 4 4 8-9',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  fit: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  open: 'M8 4H4v12h12v-4M11 3h6v6M17 3l-8 8',
  path: 'M3 5h4v3H3zM13 12h4v3h-4zM7 6.5h3v7h3',
  sun: 'M10 6.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6ZM10 1.8v1.6M10 16.6v1.6M1.8 10h1.6M16.6 10h1.6M4.2 4.2l1.1 1.1M14.7 14.7l1.1 1.1M4.2 15.8l1.1-1.1M14.7 5.3l1.1-1.1',
  moon: 'M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z',
};

function icon(name) {
  return s('svg', { viewBox: '0 0 20 20', 'aria-hidden': 'true', class: 'icon' }, s('path', { d: ICONS[name] }));
}

/** A name or path that may break after its separators. */
function breakable(text) {
  return text.split(/(?<=[/_.])/).flatMap((part, k) => (k ? [h('wbr'), part] : [part]));
}

/** A route of this page: the parts are encoded, `query` becomes ?a=b. */
function route(parts, query) {
  const path = '#/' + parts.map(encodeURIComponent).join('/');
  const pairs = Object.entries(query || {}).filter(([, v]) => v !== null && v !== undefined && v !== '');
  return pairs.length ? path + '?' + pairs.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&') : path;
}

function plural(count, one, many) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many || one + 's'}`;
}

function seconds(value) {
  if (value === null || value === undefined) return '';
  if (value >= 90) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return value >= 10 ? `${value.toFixed(0)} s` : `${value.toFixed(2)} s`;
}

function moment(text) {
  const date = new Date(text);
  if (!text || Number.isNaN(date.getTime())) return text || '';
  const iso = date.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** Says something to a screen reader. */
function announce(text) {
  document.getElementById('announce').textContent = text;
}

function copyButton(text, what) {
  const button = h('button', { type: 'button', class: 'icon-button small', 'aria-label': `Copy ${what}`, title: `Copy ${what}` }, icon('copy'));
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = h('textarea', { class: 'visually-hidden' });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    button.replaceChildren(icon('done'));
    announce(`Copied ${what}`);
    setTimeout(() => button.replaceChildren(icon('copy')), 1500);
  });
  return button;
}
