// Lineage with its controls, as a panel of a node's page and as a page of its own.

function stepper(label, value, most, change) {
  const show = h('output', null, value);
  const set = (next) => {
    value = Math.max(0, Math.min(most, next));
    show.textContent = value;
    change(value);
  };
  return h('span', { class: 'stepper', role: 'group', 'aria-label': label }, h('span', { class: 'stepper-label' }, label),
    h('button', { type: 'button', 'aria-label': `Fewer steps ${label.toLowerCase()}`, onclick: () => set(value - 1) }, '−'), show,
    h('button', { type: 'button', 'aria-label': `More steps ${label.toLowerCase()}`, onclick: () => set(value + 1) }, '+'));
}

function legend(list) {
  const present = new Set(list.map((i) => nodes[i].kind));
  return h('ul', { class: 'legend', 'aria-label': 'Colours' }, Object.keys(KINDS).filter((k) => present.has(k)).map((k) => h('li', null, h('span', { class: 'mark kind-' + k }), KINDS[k][0])));
}

const EDGE_WORDS = { copy: 'copied', derive: 'derived', aggregate: 'aggregated', filter: 'filters' };

/** The panel on a node's page. */
function lineagePanel(node, column) {
  const state = { up: 1, down: 1, tests: TESTS.has(node.kind), extra: new Set() };
  const note = h('p', { class: 'note' });
  const foot = h('div', { class: 'graph-foot' });
  const frame = graphFrame({ label: `Lineage of ${title(node)}`, wheel: false, height: 280 });

  function draw() {
    const { list, cut } = neighbourhood(node, state.up, state.down, state);
    const drawing = drawNodes(list, { focus: node, more: { tests: state.tests, open: (mark) => { state.extra.add(mark); draw(); } } });
    size(drawing);
    note.textContent = cut ? `Only ${MOST_BOXES} boxes are drawn.` : '';
    foot.replaceChildren(legend(list), note);
  }

  function size(drawing) {
    frame.element.style.height = Math.max(150, Math.min(420, drawing.size.height + 56)) + 'px';
    frame.set(drawing);
  }

  if (column) {
    const drawing = drawColumns(node, column);
    size(drawing);
    const kinds = ['copy', 'derive', 'aggregate', 'filter'].map((k) => h('li', null, s('svg', { class: 'edge-sample', viewBox: '0 0 26 8', 'aria-hidden': 'true' }, s('path', { class: `edge on edge-${k}`, d: 'M1 4H25' })), EDGE_WORDS[k]));
    foot.replaceChildren(h('ul', { class: 'legend', 'aria-label': 'Lines' }, kinds));
    if (!drawing.count) foot.append(h('p', { class: 'note' }, 'Nothing is known of where this column comes from or goes to.'));
    return h('section', { class: 'panel', id: 'lineage' },
      h('div', { class: 'panel-head' }, h('h2', null, 'Path of ', h('code', null, column)), h('span', { class: 'spacer' }), h('a', { class: 'button', href: nodeRoute(node) }, 'All lineage')),
      frame.element, foot);
  }
  draw();
  const tests = h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: state.tests, onchange: (e) => { state.tests = e.target.checked; draw(); } }), 'Tests');
  return h('section', { class: 'panel', id: 'lineage' },
    h('div', { class: 'panel-head' }, h('h2', null, 'Lineage'), h('span', { class: 'spacer' }),
      stepper('Up', state.up, 20, (v) => { state.up = v; draw(); }), stepper('Down', state.down, 20, (v) => { state.down = v; draw(); }),
      tests, h('a', { class: 'icon-button small', href: route(['graph', node.id]), 'aria-label': 'Open the lineage as a page', title: 'Open the lineage as a page' }, icon('open'))),
    frame.element, foot);
}

/** The lineage page: the whole project if it is small, else the neighbourhood of a node. */
function graphPage(focus, query) {
  const tests = query.tests === '1';
  const small = wholeGraph(tests).list.length <= MOST_BOXES;
  if (!focus && !small) focus = nodes.filter((n) => n.kind === 'model').sort((a, b) => b.deps.length + b.usedBy.length - a.deps.length - a.usedBy.length || a.i - b.i)[0] || nodes[0];
  const up = focus ? +(query.up ?? (small ? 20 : 2)) : 0;
  const down = focus ? +(query.down ?? (small ? 20 : 2)) : 0;
  const extra = new Set();
  const frame = graphFrame({ label: focus ? `Lineage of ${title(focus)}` : 'Lineage of the project', wheel: true });
  const foot = h('div', { class: 'graph-foot' });
  const go = (change) => location.replace(route(focus ? ['graph', focus.id] : ['graph'], { up: focus && up, down: focus && down, tests: tests ? 1 : null, ...change }));

  function draw() {
    const { list, cut } = focus ? neighbourhood(focus, up, down, { tests, extra }) : wholeGraph(tests);
    frame.set(drawNodes(list, {
      focus, choose: (node) => { if (node === focus) location.hash = nodeRoute(node); else location.hash = route(['graph', node.id], { up: query.up, down: query.down, tests: tests ? 1 : null }); },
      more: focus && { tests, open: (mark) => { extra.add(mark); draw(); } },
    }));
    foot.replaceChildren(legend(list), h('p', { class: 'note' }, plural(list.length, 'box', 'boxes'), cut ? ', the nearest; take fewer steps or open a node to see others.' : '.',
      focus ? '' : ' Click one to see what it is made of and what is made of it.'));
  }
  draw();
  return h('div', { class: 'graph-page' },
    h('div', { class: 'panel-head' },
      h('h1', { tabindex: '-1' }, focus ? ['Lineage of ', h('a', { href: nodeRoute(focus) }, title(focus))] : 'Lineage'), h('span', { class: 'spacer' }),
      focus && stepper('Up', up, 20, (v) => go({ up: v })), focus && stepper('Down', down, 20, (v) => go({ down: v })),
      h('label', { class: 'check' }, h('input', { type: 'checkbox', checked: tests, onchange: (e) => go({ tests: e.target.checked ? 1 : null }) }), 'Tests'),
      focus && small && h('a', { class: 'button', href: '#/graph' }, 'Whole project')),
    frame.element, foot);
}
