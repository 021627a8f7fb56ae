// The lineage drawing: a neighbourhood of a node, or the path of a column.

const MOST_BOXES = 240;
const textWidth = (() => {
  const context = document.createElement('canvas').getContext('2d');
  return (text, font) => { context.font = font; return context.measureText(text).width; };
})();
const GRAPH_FONT = '500 12.5px system-ui, sans-serif';
const FOCUS_FONT = '700 12.5px system-ui, sans-serif';
const COLUMN_FONT = '11.5px ui-monospace, monospace';

/** Nodes within `up` steps before and `down` steps after the focus; `extra` has nodes opened by hand. */
function neighbourhood(focus, up, down, { tests, extra }) {
  const shown = new Map([[focus.i, 0]]);
  const visible = (i) => inGraph(nodes[i]) && (tests || !TESTS.has(nodes[i].kind));
  let cut = false;
  const walk = (side, steps) => {
    let ring = [focus.i];
    const seen = new Set(ring);
    for (let step = 0; step < steps && ring.length; step++) {
      const next = [];
      for (const i of ring) {
        for (const j of nodes[i][side]) {
          if (seen.has(j) || !visible(j)) continue;
          if (shown.size >= MOST_BOXES && !shown.has(j)) { cut = true; continue; }
          seen.add(j);
          shown.set(j, step + 1);
          next.push(j);
        }
      }
      ring = next;
    }
  };
  walk('deps', up);
  walk('usedBy', down);
  for (const mark of extra) {
    const [i, side] = mark.split(':');
    if (shown.has(+i)) for (const j of nodes[i][side]) if (visible(j) && shown.size < MOST_BOXES * 2) shown.set(j, 1);
  }
  return { list: [...shown.keys()].sort((a, b) => a - b), cut };
}

/** Every node without tests, for a project small enough to be shown whole. */
function wholeGraph(tests) {
  return { list: nodes.filter((n) => inGraph(n) && (tests || !TESTS.has(n.kind))).map((n) => n.i), cut: false };
}

function edgesAmong(list) {
  const at = new Map(list.map((i, k) => [i, k]));
  const edges = [];
  for (const i of list) for (const d of new Set(nodes[i].deps)) if (at.has(d) && d !== i) edges.push([at.get(d), at.get(i)]);
  return edges;
}

function fitted(text, font, most) {
  if (textWidth(text, font) <= most) return text;
  let n = text.length;
  while (n > 4 && textWidth(text.slice(0, n) + '…', font) > most) n--;
  return text.slice(0, n) + '…';
}

/** Draws nodes as boxes. Gives the drawing and its size. `choose` gets a node that was clicked. */
function drawNodes(list, { focus, choose, more }) {
  const boxes = list.map((i) => {
    const node = nodes[i];
    const font = node === focus ? FOCUS_FONT : GRAPH_FONT;
    const name = fitted(title(node), font, 230);
    return { node, name, w: Math.max(96, Math.ceil(textWidth(name, font)) + 46), h: 34 };
  });
  const edges = edgesAmong(list);
  const size = layered(boxes, edges);
  const paths = edges.map(([from, to], k) => s('path', { class: 'edge', d: curve(size.lines[k]), 'data-from': list[from], 'data-to': list[to], 'marker-end': 'url(#arrow)' }));
  const cards = boxes.map((box) => {
    const { node } = box;
    const status = worst(node);
    const card = s('a', {
      class: `box kind-${node.kind}${node === focus ? ' focus' : ''}`, href: nodeRoute(node), transform: `translate(${round(box.x)} ${round(box.y)})`,
      'aria-label': `${kindName(node)} ${title(node)}${status ? ', ' + status[1] : ''}`, 'data-node': node.i,
    },
    s('title', null, `${kindName(node)} ${title(node)}${node.relation ? '\n' + node.relation : ''}`),
    s('rect', { class: 'plate', width: box.w, height: box.h, rx: 7 }),
    s('rect', { class: 'stripe', width: 4, height: box.h - 12, x: 7, y: 6, rx: 2 }),
    s('text', { x: 19, y: box.h / 2, dy: '.35em' }, box.name),
    status && s('circle', { class: 'dot status-' + status[0], cx: box.w - 13, cy: box.h / 2, r: 4 }));
    if (choose) {
      card.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        choose(node);
      });
    }
    return card;
  });
  const stubs = more ? boxes.flatMap((box) => hidden(box, list, more)) : [];
  return { size, content: [s('g', null, paths), s('g', null, cards), s('g', null, stubs)], focusBox: boxes.find((b) => b.node === focus) };
}

// "+3" beside a box whose further neighbours are not drawn
function hidden(box, list, more) {
  const shown = new Set(list);
  return ['deps', 'usedBy'].map((side) => {
    const rest = box.node[side].filter((j) => !shown.has(j) && inGraph(nodes[j]) && (more.tests || !TESTS.has(nodes[j].kind))).length;
    if (!rest) return null;
    const x = side === 'deps' ? box.x - 19 : box.x + box.w + 19;
    const label = `Show ${plural(rest, side === 'deps' ? 'more input' : 'more use')} of ${title(box.node)}`;
    const stub = s('g', { class: 'more', role: 'button', tabindex: '0', 'aria-label': label, transform: `translate(${round(x)} ${round(box.y + box.h / 2)})` },
      s('title', null, label), s('rect', { x: -14, y: -9, width: 28, height: 18, rx: 9 }), s('text', { dy: '.35em', 'text-anchor': 'middle' }, '+' + rest));
    const go = () => more.open(`${box.node.i}:${side}`);
    stub.addEventListener('click', go);
    stub.addEventListener('keydown', (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); go(); } });
    return stub;
  }).filter(Boolean);
}

/** Draws the path of one column: boxes with the columns that lie on it. */
function drawColumns(node, name) {
  const path = columnPath(node.i, name);
  const rows = new Map([[node.i, new Map([[name.toLowerCase(), name]])]]);
  for (const e of path) {
    for (const [i, column] of [[e.fromNode, e.fromColumn], [e.toNode, e.toColumn]]) {
      if (!rows.has(i)) rows.set(i, new Map());
      if (!rows.get(i).has(column.toLowerCase())) rows.get(i).set(column.toLowerCase(), column);
    }
  }
  const list = [...rows.keys()].sort((a, b) => a - b);
  const boxes = list.map((i) => {
    const own = nodes[i];
    const order = own.columns.map((c) => c.name.toLowerCase());
    const columns = [...rows.get(i)].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0])).map(([, c]) => c);
    const label = fitted(title(own), GRAPH_FONT, 230);
    const widest = Math.max(textWidth(label, GRAPH_FONT) + 20, ...columns.map((c) => textWidth(c, COLUMN_FONT)));
    return { node: own, label, columns, w: Math.max(120, Math.min(290, Math.ceil(widest) + 30)), h: 34 + columns.length * 22 + 6 };
  });
  const at = new Map(list.map((i, k) => [i, k]));
  const pairs = new Map(path.filter((e) => e.fromNode !== e.toNode).map((e) => [e.fromNode + ' ' + e.toNode, [at.get(e.fromNode), at.get(e.toNode)]]));
  const size = layered(boxes, [...pairs.values()], { x: 84, y: 22 });
  const port = (i, column, right) => {
    const box = boxes[at.get(i)];
    const k = box.columns.findIndex((c) => c.toLowerCase() === column.toLowerCase());
    return [right ? box.x + box.w : box.x, box.y + 34 + k * 22 + 11];
  };
  const edges = path.map((e) => {
    const words = `${title(nodes[e.fromNode])}.${e.fromColumn} → ${title(nodes[e.toNode])}.${e.toColumn}: ${e.kind}`;
    return s('path', { class: `edge on edge-${e.kind}`, d: curve([port(e.fromNode, e.fromColumn, true), port(e.toNode, e.toColumn, false)]), 'marker-end': 'url(#arrow)' }, s('title', null, words));
  });
  const cards = boxes.map((box) => s('g', { class: `box kind-${box.node.kind}${box.node === node ? ' focus' : ''}`, transform: `translate(${round(box.x)} ${round(box.y)})` },
    s('rect', { class: 'plate', width: box.w, height: box.h, rx: 7 }),
    s('rect', { class: 'stripe', width: 4, height: 22, x: 7, y: 6, rx: 2 }),
    s('a', { href: nodeRoute(box.node), 'aria-label': `${kindName(box.node)} ${title(box.node)}` }, s('text', { x: 19, y: 17, dy: '.35em' }, box.label)),
    box.columns.map((c, k) => s('a', {
      class: 'port' + (box.node === node && c.toLowerCase() === name.toLowerCase() ? ' on' : ''), href: nodeRoute(box.node, { column: c }), 'aria-label': `Column ${c} of ${title(box.node)}`,
    }, s('rect', { x: 4, y: 34 + k * 22, width: box.w - 8, height: 21, rx: 4 }), s('text', { x: 14, y: 34 + k * 22 + 11, dy: '.35em', class: 'mono' }, fitted(c, COLUMN_FONT, box.w - 26))))));
  return { size, content: [s('g', null, edges), s('g', null, cards)], focusBox: boxes[at.get(node.i)], count: path.length };
}

/** A frame that pans and zooms a drawing. `wheel`: the wheel zooms by itself, else only with Ctrl. */
function graphFrame({ label, wheel, height }) {
  const scene = s('g');
  const svg = s('svg', { class: 'graph', role: 'group', 'aria-label': label, tabindex: '0' },
    s('defs', null, s('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6.5, markerHeight: 6.5, orient: 'auto' }, s('path', { d: 'M0 .8 7.4 4 0 7.2Z' }))), scene);
  const tool = (name, words, act) => h('button', { type: 'button', class: 'icon-button small', 'aria-label': words, title: words, onclick: act }, icon(name));
  const frame = h('div', { class: 'graph-frame', style: height ? `height:${height}px` : null }, svg,
    h('div', { class: 'graph-tools' }, tool('plus', 'Zoom in', () => zoom(1.3)), tool('minus', 'Zoom out', () => zoom(1 / 1.3)), tool('fit', 'Show all', () => fit())));
  let view = { x: 0, y: 0, k: 1 };
  let drawing = null;
  const pointers = new Map();
  let moved = 0;

  function apply() {
    scene.setAttribute('transform', `translate(${round(view.x)} ${round(view.y)}) scale(${Math.round(view.k * 1000) / 1000})`);
  }

  function zoom(factor, cx = svg.clientWidth / 2, cy = svg.clientHeight / 2) {
    const k = Math.min(2.5, Math.max(0.08, view.k * factor));
    view = { k, x: cx - ((cx - view.x) * k) / view.k, y: cy - ((cy - view.y) * k) / view.k };
    apply();
  }

  /** Shows all; with `readable`, not smaller than can be read, and then the focus in the middle. */
  function fit(readable) {
    if (!drawing) return;
    const { size, focusBox } = drawing;
    const w = svg.clientWidth || 800;
    const hgt = svg.clientHeight || 300;
    const whole = Math.min(1.05, (w - 88) / Math.max(1, size.width), (hgt - 36) / Math.max(1, size.height));
    const k = readable ? Math.max(whole, 0.64) : Math.max(whole, 0.05);
    view = { k, x: (w - size.width * k) / 2, y: (hgt - size.height * k) / 2 };
    if (k > whole && focusBox) {
      const slack = (room, extent, at) => (extent <= room ? (room - extent) / 2 : Math.min(24, Math.max(room - extent - 24, room / 2 - at)));
      view.x = slack(w, size.width * k, (focusBox.x + focusBox.w / 2) * k);
      view.y = slack(hgt, size.height * k, (focusBox.y + focusBox.h / 2) * k);
    }
    apply();
  }

  function set(next) {
    drawing = next;
    scene.replaceChildren(...next.content);
    if (frame.isConnected) fit(true);
    else requestAnimationFrame(() => fit(true));
  }

  svg.addEventListener('wheel', (event) => {
    if (!wheel && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  svg.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    moved = 0;
  });
  svg.addEventListener('pointermove', (event) => {
    const old = pointers.get(event.pointerId);
    if (!old) return;
    const now = [event.clientX, event.clientY];
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const box = svg.getBoundingClientRect();
      zoom(Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(old[0] - other[0], old[1] - other[1])), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    } else {
      view.x += now[0] - old[0];
      view.y += now[1] - old[1];
      apply();
    }
    moved += Math.abs(now[0] - old[0]) + Math.abs(now[1] - old[1]);
    if (moved > 4) {
      svg.classList.add('dragging');
      if (!svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
    }
    pointers.set(event.pointerId, now);
  });
  const release = (event) => {
    pointers.delete(event.pointerId);
    svg.classList.remove('dragging');
  };
  svg.addEventListener('pointerup', release);
  svg.addEventListener('pointercancel', release);
  svg.addEventListener('pointerleave', (event) => { if (!svg.hasPointerCapture(event.pointerId)) release(event); });
  // a drag that ends on a box is not a click on it
  svg.addEventListener('click', (event) => { if (moved > 4) { event.preventDefault(); event.stopPropagation(); moved = 0; } }, true);
  svg.addEventListener('dragstart', (event) => event.preventDefault());
  const light = (event, on) => {
    const box = event.target.closest && event.target.closest('[data-node]');
    if (!box) return;
    const i = box.getAttribute('data-node');
    for (const edge of scene.querySelectorAll('.edge')) edge.classList.toggle('on', on && (edge.getAttribute('data-from') === i || edge.getAttribute('data-to') === i));
  };
  for (const [name, on] of [['pointerover', true], ['pointerout', false], ['focusin', true], ['focusout', false]]) scene.addEventListener(name, (event) => light(event, on));
  svg.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const keys = {
      '+': () => zoom(1.3), '=': () => zoom(1.3), '-': () => zoom(1 / 1.3), 0: () => fit(),
      ArrowLeft: () => { view.x += step; apply(); }, ArrowRight: () => { view.x -= step; apply(); },
      ArrowUp: () => { view.y += step; apply(); }, ArrowDown: () => { view.y -= step; apply(); },
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  // a box that gets the focus by Tab comes into view
  svg.addEventListener('focusin', (event) => {
    if (event.target === svg || !event.target.getBoundingClientRect || pointers.size) return;
    const a = event.target.getBoundingClientRect();
    const b = svg.getBoundingClientRect();
    const off = (low, high, from, to) => (low < from + 12 ? from + 12 - low : high > to - 12 ? to - 12 - high : 0);
    const dx = off(a.left, a.right, b.left, b.right);
    const dy = off(a.top, a.bottom, b.top, b.bottom);
    if (dx || dy) {
      view.x += dx;
      view.y += dy;
      apply();
    }
    svg.scrollLeft = svg.scrollTop = 0;
  });
  return { element: frame, set };
}
