// The page of one node.

function nodePage(node, query) {
  const column = query.column && hasColumnLineage && node.columns.some((c) => c.name.toLowerCase() === query.column.toLowerCase()) ? query.column : null;
  const isTest = TESTS.has(node.kind);
  const status = statusOf(node);
  const sections = [];
  if (node.description) sections.push(h('section', { class: 'panel prose', id: 'description' }, markdown(node.description)));
  else if (!isTest && node.kind !== 'analysis') sections.push(h('section', { class: 'panel', id: 'description' }, h('p', { class: 'empty' }, 'No description yet.')));
  if (node.run && node.run.message && status[0] !== 'good') sections.push(h('section', { class: 'panel failure status-' + status[0] }, h('h2', null, 'Last run: ' + status[1]), h('pre', { tabindex: '0' }, h('code', null, node.run.message))));
  if (inGraph(node)) sections.push(lineagePanel(node, column));
  if (node.columns.length) sections.push(columnsPanel(node, query.column));
  if (node.tests.length) sections.push(testsPanel(node));
  if (node.arguments) sections.push(argumentsPanel(node));
  if (node.raw) sections.push(codePanel(node));
  if (node.meta) sections.push(h('section', { class: 'panel' }, h('h2', null, 'Meta'), h('pre', { tabindex: '0' }, h('code', null, JSON.stringify(node.meta, null, 2)))));
  return [
    h('header', { class: 'page-head' },
      h('p', { class: 'crumbs' }, kindBadge(node), statusBadge(status, node.run && [status[1], node.run.time !== undefined ? ` · ${seconds(node.run.time)}` : '']), node.facts.materialized && h('span', { class: 'chip' }, node.facts.materialized)),
      h('h1', { tabindex: '-1' }, title(node)),
      node.relation ? h('p', { class: 'relation' }, h('code', null, node.relation), copyButton(node.relation, 'the relation’s name')) : node.label && h('p', { class: 'relation' }, h('code', null, node.name))),
    h('div', { class: 'node' }, h('div', { class: 'node-main' }, sections), sidePanels(node)),
  ];
}

function sidePanels(node) {
  const isTest = TESTS.has(node.kind);
  const facts = Object.entries(node.facts);
  if (node.package !== site.name) facts.push(['package', node.package]);
  facts.push(['file', node.file]);
  const rows = facts.map(([name, value]) => [h('dt', null, name), h('dd', null, /^https?:\/\//.test(value) ? h('a', { href: value, rel: 'noopener noreferrer' }, value) : breakable(value))]);
  return h('div', { class: 'node-side' },
    h('section', { class: 'panel' }, h('h2', { class: 'visually-hidden' }, 'Facts'), h('dl', { class: 'facts' }, rows),
      node.tags.length > 0 && h('p', { class: 'tags' }, node.tags.map((tag) => h('a', { class: 'tag', href: route(['list'], { tag }) }, tag)))),
    relatives(isTest ? 'Tests' : 'Depends on', node.deps),
    !isTest && relatives('Used by', node.usedBy.filter((i) => !TESTS.has(nodes[i].kind))));
}

function relatives(name, list) {
  const sorted = [...new Set(list)].map((i) => nodes[i]).sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : title(a).localeCompare(title(b), 'en')));
  const item = (n) => h('li', null, h('a', { class: 'with-mark', href: nodeRoute(n), title: kindName(n) }, h('span', { class: 'mark kind-' + n.kind, 'aria-hidden': 'true' }), h('span', null, title(n))));
  return h('section', { class: 'panel' }, h('h2', null, name, ' ', h('span', { class: 'tree-count' }, sorted.length)),
    sorted.length ? h('ul', { class: 'relatives' }, sorted.slice(0, 25).map(item)) : h('p', { class: 'empty' }, 'nothing'),
    sorted.length > 25 && h('details', null, h('summary', null, `${sorted.length - 25} more`), h('ul', { class: 'relatives' }, sorted.slice(25).map(item))));
}

/** The names that Postgres itself takes for its long ones. */
function shortType(type) {
  return type.replace('timestamp without time zone', 'timestamp').replace('timestamp with time zone', 'timestamptz').replace('character varying', 'varchar').replace('time without time zone', 'time');
}

/** What a test says, short: `not_null`, `accepted_values: TV, Mobile`. */
function testName(node) {
  return node.testLabel || title(node);
}

function columnsPanel(node, chosen) {
  const testsOf = new Map();
  for (const t of node.tests) {
    const test = nodes[t];
    if (test.on !== node.i || !test.column) continue;
    const key = test.column.toLowerCase();
    if (!testsOf.has(key)) testsOf.set(key, []);
    testsOf.get(key).push(test);
  }
  const row = (c) => {
    const tests = testsOf.get(c.name.toLowerCase()) || [];
    const isChosen = chosen && c.name.toLowerCase() === chosen.toLowerCase();
    const origins = columnsIn.get(columnKey(node.i, c.name)) || [];
    const hasPath = origins.length || columnsOut.has(columnKey(node.i, c.name));
    const name = hasPath
      ? h('a', { class: 'column-name', href: nodeRoute(node, isChosen ? null : { column: c.name }), title: 'Show the path of this column', 'aria-current': isChosen ? 'true' : null }, breakable(c.name), icon('path'))
      : h('span', { class: 'column-name' }, breakable(c.name));
    const chips = [
      ...(c.note ? [h('span', { class: 'chip warn' }, c.note)] : []),
      ...(c.constraints || []).map((x) => h('span', { class: 'chip constraint', title: 'Constraint' }, x)),
      ...tests.map((t) => h('a', { class: 'chip test-chip', href: nodeRoute(t) }, statusDot(statusOf(t)), h('span', null, breakable(testName(t))))),
    ];
    return h('tr', { id: 'column-' + c.name, class: isChosen ? 'chosen' : null },
      h('th', { scope: 'row' }, name, c.type && h('span', { class: 'type', title: c.type }, shortType(c.type))),
      h('td', null,
        c.description && h('div', { class: 'prose' }, markdown(c.description)),
        origins.length > 0 && h('p', { class: 'origins' }, 'from ', origins.slice(0, 6).map((e, k) => [k ? ', ' : '', h('a', { href: nodeRoute(nodes[e.fromNode], { column: e.fromColumn }) }, breakable(`${title(nodes[e.fromNode])}.${e.fromColumn}`)), e.kind === 'copy' ? '' : ` (${EDGE_WORDS[e.kind] || e.kind})`]), origins.length > 6 && `, ${origins.length - 6} more`),
        chips.length > 0 && h('p', { class: 'column-tests' }, chips)));
  };
  return h('section', { class: 'panel', id: 'columns' }, h('h2', null, 'Columns ', h('span', { class: 'tree-count' }, node.columns.length)),
    h('table', { class: 'columns' },
      h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Column'), h('th', { scope: 'col' }, 'Description and tests'))),
      h('tbody', null, node.columns.map(row))));
}

function testsPanel(node) {
  const rank = { bad: 0, warn: 1, none: 2, good: 3 };
  const list = node.tests.map((t) => nodes[t]).sort((a, b) => (rank[statusOf(a)?.[0]] ?? 4) - (rank[statusOf(b)?.[0]] ?? 4) || (a.column || '').localeCompare(b.column || '') || testName(a).localeCompare(testName(b)));
  const row = (t) => h('tr', null,
    h('td', null, statusBadge(statusOf(t)) || h('span', { class: 'note' }, 'not run')),
    h('th', { scope: 'row' }, h('a', { href: nodeRoute(t) }, breakable(testName(t))), t.on !== undefined && t.on !== node.i && h('span', { class: 'note' }, ' on ', title(nodes[t.on]))),
    h('td', { class: 'mono' }, breakable(t.column || '')),
    h('td', { class: 'number' }, t.run && t.run.time !== undefined ? seconds(t.run.time) : ''));
  return h('section', { class: 'panel', id: 'tests' }, h('h2', null, 'Tests ', h('span', { class: 'tree-count' }, list.length)),
    h('div', { class: 'scroll' }, h('table', { class: 'tests' }, h('thead', null, h('tr', null, ['Last run', 'Test', 'Column'].map((x) => h('th', { scope: 'col' }, x)), h('th', { scope: 'col', class: 'number' }, 'Time'))), h('tbody', null, list.map(row)))));
}

function argumentsPanel(node) {
  return h('section', { class: 'panel' }, h('h2', null, 'Arguments'), h('div', { class: 'scroll' }, h('table', null,
    h('thead', null, h('tr', null, ['Argument', 'Type', 'Description'].map((x) => h('th', { scope: 'col' }, x)))),
    h('tbody', null, node.arguments.map((a) => h('tr', null, h('th', { scope: 'row', class: 'mono' }, a.name), h('td', { class: 'mono' }, a.type || ''), h('td', null, a.description ? h('div', { class: 'prose' }, markdown(a.description)) : '')))))));
}

/** Source and compiled SQL, one at a time; both when printed. */
function codePanel(node) {
  const parts = [['Source', node.raw, finder(node)]];
  if (node.compiled) parts.push(['Compiled', node.compiled, null]);
  const bodies = parts.map(([name, code, find], k) => h('div', { class: 'code', role: parts.length > 1 ? 'tabpanel' : null, 'aria-label': name, id: 'code-' + k, 'data-hidden': k > 0 ? '1' : null },
    h('h3', { class: 'print-only' }, name), numbered(code, find), copyButton(code, `the ${name.toLowerCase()} SQL`)));
  const tabs = parts.map(([name], k) => h('button', { type: 'button', role: 'tab', 'aria-selected': String(k === 0), 'aria-controls': 'code-' + k, tabindex: k ? '-1' : '0' }, name));
  const choose = (k) => {
    tabs.forEach((tab, j) => { tab.setAttribute('aria-selected', String(j === k)); tab.tabIndex = j === k ? 0 : -1; });
    bodies.forEach((body, j) => { if (j === k) body.removeAttribute('data-hidden'); else body.setAttribute('data-hidden', '1'); });
  };
  tabs.forEach((tab, k) => {
    tab.addEventListener('click', () => choose(k));
    tab.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      choose((k + 1) % tabs.length);
      tabs[(k + 1) % tabs.length].focus();
    });
  });
  return h('section', { class: 'panel', id: 'sql' }, h('div', { class: 'panel-head' }, h('h2', null, 'SQL'), h('span', { class: 'spacer' }), tabs.length > 1 && h('div', { class: 'segments', role: 'tablist', 'aria-label': 'SQL' }, tabs)), bodies);
}

function numbered(code, find) {
  const text = code.replace(/^(\s*\n)+/, '').trimEnd();
  const count = text.split('\n').length;
  return h('pre', { class: 'sql', tabindex: '0' },
    h('span', { class: 'lines', 'aria-hidden': 'true' }, Array.from({ length: count }, (_, k) => k + 1).join('\n')),
    h('code', null, text.length < 200000 ? highlight(text, find) : text));
}
