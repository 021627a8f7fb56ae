// The first page, and lists of nodes of one kind, tag or status.

function overviewPage() {
  const counts = new Map();
  for (const node of nodes) counts.set(node.kind, (counts.get(node.kind) || 0) + 1);
  const tiles = Object.keys(KINDS).filter((k) => counts.has(k)).map((k) => h('a', { class: 'tile', href: route(['list'], { kind: k }) },
    h('span', { class: 'mark kind-' + k }), h('span', { class: 'tile-count' }, counts.get(k).toLocaleString('en')), h('span', { class: 'tile-name' }, KINDS[k][counts.get(k) === 1 ? 0 : 1])));
  const about = [site.adapter, site.version && `made with ${site.version}`, site.generated && moment(site.generated)].filter(Boolean);
  return [
    h('header', { class: 'page-head' }, h('h1', { tabindex: '-1' }, site.name), h('p', { class: 'sub' }, about.join(' · '))),
    h('div', { class: 'tiles' }, tiles),
    h('div', { class: 'halves' },
      h('div', null, site.description && h('section', { class: 'panel prose' }, markdown(site.description)), exposurePanel(), tagPanel()),
      h('div', null, runPanel(), coveragePanel())),
  ];
}

function runPanel() {
  if (!site.run) {
    return h('section', { class: 'panel', id: 'last-run' }, h('h2', null, 'Last run'), h('p', { class: 'empty' }, 'No result of a run was given. Build the project and make this page again to see how it went.'));
  }
  const groups = { good: [], warn: [], bad: [], none: [] };
  const ran = nodes.filter((node) => node.run);
  for (const node of ran) groups[statusOf(node)[0]].push(node);
  const words = { good: 'passed', warn: 'warned', bad: 'failed', none: 'skipped' };
  const bar = h('div', { class: 'bar', role: 'img', 'aria-label': Object.keys(words).map((k) => `${groups[k].length} ${words[k]}`).join(', ') },
    Object.keys(words).filter((k) => groups[k].length).map((k) => h('span', { class: 'status-' + k, style: `flex-grow:${groups[k].length}` })));
  const problems = [...groups.bad, ...groups.warn];
  const slow = ran.filter((n) => n.run.time > 0).sort((a, b) => b.run.time - a.run.time).slice(0, 8);
  const longest = slow.length ? slow[0].run.time : 1;
  return h('section', { class: 'panel', id: 'last-run' },
    h('div', { class: 'panel-head' }, h('h2', null, 'Last run'), h('span', { class: 'spacer' }), statusBadge(groups.bad.length ? ['bad', 'failed'] : groups.warn.length ? ['warn', 'with warnings'] : ['good', 'passed'])),
    h('p', { class: 'sub' }, [site.run.command && `tv1 ${site.run.command}`, moment(site.run.generated), seconds(site.run.elapsed)].filter(Boolean).join(' · ')),
    bar,
    h('ul', { class: 'legend' }, Object.keys(words).filter((k) => groups[k].length).map((k) => h('li', null, h('span', { class: 'dot status-' + k }), h('a', { href: route(['list'], { status: k }) }, `${groups[k].length.toLocaleString('en')} ${words[k]}`)))),
    problems.length > 0 && h('ul', { class: 'problems' }, problems.slice(0, 20).map((node) => h('li', null, statusBadge(statusOf(node)), h('a', { href: nodeRoute(node) }, title(node)), node.run.message && h('span', { class: 'problem-text' }, node.run.message.split('\n')[0])))),
    problems.length > 20 && h('p', null, h('a', { href: route(['list'], { status: 'bad' }) }, `${problems.length - 20} more`)),
    slow.length > 0 && h('details', { open: !problems.length }, h('summary', null, 'Slowest'),
      h('ol', { class: 'slow' }, slow.map((node) => h('li', null, h('a', { href: nodeRoute(node) }, title(node)), h('span', { class: 'slow-bar', 'aria-hidden': 'true' }, h('span', { class: 'kind-' + node.kind, style: `width:${Math.max(1, (100 * node.run.time) / longest)}%` })), h('span', { class: 'number' }, seconds(node.run.time)))))));
}

function coveragePanel() {
  const own = nodes.filter((n) => n.package === site.name);
  const models = own.filter((n) => n.kind === 'model');
  const columns = own.filter((n) => /^(model|source|seed|snapshot)$/.test(n.kind)).flatMap((n) => n.columns);
  const line = (name, part, whole) => whole > 0 && h('li', null, h('span', null, name), h('span', { class: 'meter', role: 'img', 'aria-label': `${part} of ${whole}` }, h('span', { style: `width:${(100 * part) / whole}%` })), h('span', { class: 'number' }, `${part.toLocaleString('en')} of ${whole.toLocaleString('en')}`));
  const bare = models.filter((n) => !n.description || !n.tests.length).slice(0, 8);
  return h('section', { class: 'panel', id: 'coverage' }, h('h2', null, 'Coverage'),
    h('ul', { class: 'meters' },
      line('Models described', models.filter((n) => n.description).length, models.length),
      line('Models tested', models.filter((n) => n.tests.length).length, models.length),
      line('Columns described', columns.filter((c) => c.description).length, columns.length)),
    bare.length > 0 && h('details', null, h('summary', null, 'Without description or test'), h('ul', null, bare.map((n) => h('li', null, h('a', { href: nodeRoute(n) }, n.name))))));
}

function exposurePanel() {
  const list = nodes.filter((n) => n.kind === 'exposure');
  return list.length > 0 && h('section', { class: 'panel' }, h('h2', null, 'Used in'), h('div', { class: 'cards' }, list.slice(0, 30).map((n) => h('a', { class: 'card', href: nodeRoute(n) }, kindBadge(n), h('strong', null, title(n)), h('span', { class: 'card-text' }, plainText(n.description))))));
}

function tagPanel() {
  const tags = new Map();
  for (const node of nodes) for (const tag of node.tags) tags.set(tag, (tags.get(tag) || 0) + 1);
  return tags.size > 0 && h('section', { class: 'panel' }, h('h2', null, 'Tags'), h('p', { class: 'tags' }, [...tags].sort().map(([tag, count]) => h('a', { class: 'tag', href: route(['list'], { tag }) }, tag, h('span', { class: 'tree-count' }, count)))));
}

const ROWS_AT_ONCE = 200;

function listPage(query) {
  const names = [query.kind && KINDS[query.kind] && KINDS[query.kind][1], query.tag && `Tagged “${query.tag}”`, query.status && { good: 'Passed', warn: 'Warned', bad: 'Failed', none: 'Skipped' }[query.status], query.schema && `Schema ${query.schema}`];
  const list = nodes.filter((n) => (!query.kind || n.kind === query.kind) && (!query.tag || n.tags.includes(query.tag)) && (!query.status || (n.run && statusOf(n)[0] === query.status)) && (!query.schema || n.schema === query.schema));
  list.sort((a, b) => title(a).localeCompare(title(b), 'en', { numeric: true }));
  const ofTests = list.length > 0 && list.every((n) => TESTS.has(n.kind));
  const second = (n) => (TESTS.has(n.kind)
    ? (n.on !== undefined ? [n.on] : n.deps).slice(0, 3).map((d, k) => [k ? ', ' : '', h('a', { href: nodeRoute(nodes[d]) }, breakable(title(nodes[d])))]).concat(n.column ? [h('span', { class: 'mono' }, '.', h('wbr'), n.column)] : [])
    : n.schema ? h('span', { class: 'mono' }, n.schema) : kindName(n));
  const described = list.some((n) => n.description);
  const body = h('tbody');
  const more = h('button', { type: 'button', class: 'button', onclick: () => add() }, 'Show more');
  let shown = 0;
  function add() {
    for (const node of list.slice(shown, shown + ROWS_AT_ONCE)) {
      body.append(h('tr', null,
        h('td', null, h('a', { href: nodeRoute(node), class: 'with-mark' }, h('span', { class: 'mark kind-' + node.kind }), h('span', null, breakable(testName(node))))),
        h('td', null, second(node)), h('td', null, statusBadge(statusOf(node))), described && h('td', { class: 'text' }, plainText(node.description))));
    }
    shown += ROWS_AT_ONCE;
    more.hidden = shown >= list.length;
  }
  add();
  return [
    h('header', { class: 'page-head' }, h('h1', { tabindex: '-1' }, names.filter(Boolean).join(', ') || 'Everything'), h('p', { class: 'sub' }, plural(list.length, 'entry', 'entries'))),
    h('section', { class: 'panel' }, list.length ? h('div', { class: 'scroll' }, h('table', { class: 'list' }, h('thead', null, h('tr', null, ['Name', ofTests ? 'On' : 'Schema', 'Last run', described && 'Description'].filter(Boolean).map((x) => h('th', { scope: 'col' }, x)))), body)) : h('p', { class: 'empty' }, 'Nothing here'), more),
  ];
}
