// The project as src/docs/site.rs wrote it, and the few indexes the page needs.

const site = JSON.parse(document.getElementById('site-data').textContent);
const nodes = site.nodes;

/** Order and names of the kinds; the colours are in the style sheet. */
const KINDS = {
  source: ['Source', 'Sources'],
  simulation: ['Simulation', 'Simulations'],
  seed: ['Seed', 'Seeds'],
  snapshot: ['Snapshot', 'Snapshots'],
  model: ['Model', 'Models'],
  analysis: ['Analysis', 'Analyses'],
  test: ['Data test', 'Data tests'],
  unit_test: ['Unit test', 'Unit tests'],
  semantic_model: ['Semantic model', 'Semantic models'],
  metric: ['Metric', 'Metrics'],
  saved_query: ['Saved query', 'Saved queries'],
  exposure: ['Exposure', 'Exposures'],
  macro: ['Macro', 'Macros'],
};
const TESTS = new Set(['test', 'unit_test']);

/** What a status means: its colour group and its word. */
const STATUS = {
  success: ['good', 'success'], pass: ['good', 'passed'], warn: ['warn', 'warned'], fail: ['bad', 'failed'],
  error: ['bad', 'error'], 'runtime error': ['bad', 'error'], skipped: ['none', 'skipped'], 'partial success': ['warn', 'partly'],
  'no-op': ['none', 'no-op'],
};

const byId = new Map();
nodes.forEach((node, i) => {
  node.i = i;
  node.usedBy = [];
  node.tests = [];
  byId.set(node.id, node);
});
for (const node of nodes) {
  for (const d of node.deps) nodes[d].usedBy.push(node.i);
  if (!TESTS.has(node.kind)) continue;
  // a test of two tables is shown with the one it is written at, any other with all it reads
  const on = node.on !== undefined ? [node.on] : node.deps;
  for (const d of on) nodes[d].tests.push(node.i);
}

/** Columns lead to columns: for each `node\u0000column` the edges that go in and out. */
const columnsIn = new Map();
const columnsOut = new Map();
const columnKey = (i, name) => i + '\u0000' + name.toLowerCase();
for (const [fromNode, fromColumn, toNode, toColumn, kind] of site.columnEdges) {
  const edge = { from: columnKey(fromNode, fromColumn), to: columnKey(toNode, toColumn), fromNode, fromColumn, toNode, toColumn, kind };
  if (!columnsIn.has(edge.to)) columnsIn.set(edge.to, []);
  if (!columnsOut.has(edge.from)) columnsOut.set(edge.from, []);
  columnsIn.get(edge.to).push(edge);
  columnsOut.get(edge.from).push(edge);
}
const hasColumnLineage = site.columnEdges.length > 0;

/** All edges on a path through a column: everything it comes from and everything made of it. */
function columnPath(i, name) {
  const edges = new Set();
  const walk = (index, side) => {
    const seen = new Set([columnKey(i, name)]);
    const todo = [...seen];
    while (todo.length) {
      for (const edge of index.get(todo.pop()) || []) {
        edges.add(edge);
        if (!seen.has(edge[side])) {
          seen.add(edge[side]);
          todo.push(edge[side]);
        }
      }
    }
  };
  walk(columnsIn, 'from');
  walk(columnsOut, 'to');
  return [...edges];
}

const title = (node) => node.label || (node.kind === 'source' ? `${node.source}.${node.name}` : node.version ? `${node.name} v${node.version}` : node.name);
const nodeRoute = (node, query) => route(['node', node.id], query);
const kindName = (node) => (KINDS[node.kind] || [node.kind])[0];
const statusOf = (node) => (node.run ? STATUS[node.run.status] || ['none', node.run.status] : null);
const inGraph = (node) => node.kind !== 'macro';

/** The worst status of a node and its tests, for one dot. */
function worst(node) {
  const rank = { bad: 3, warn: 2, good: 1, none: 0 };
  let found = statusOf(node);
  for (const t of node.tests) {
    const status = statusOf(nodes[t]);
    if (status && status[0] !== 'good' && (!found || rank[status[0]] > rank[found[0]])) found = [status[0], `a test ${status[1]}`];
  }
  return found;
}

/** The address behind ref('x') or source('a', 'b') as written in one node's SQL. */
function finder(node) {
  const near = node.deps.map((d) => nodes[d]);
  const all = TESTS.has(node.kind) || node.kind === 'macro' ? nodes : near;
  return (call, names) => {
    const name = names[names.length - 1];
    const found = all.find((n) => (call === 'source'
      ? n.source === names[0] && n.name === names[1]
      : n.name === name && n.kind !== 'source' && n.kind !== 'macro'));
    return found && nodeRoute(found);
  };
}

function kindBadge(node) {
  return h('span', { class: 'kind kind-' + node.kind }, kindName(node));
}

function statusBadge(status, text) {
  return status && h('span', { class: 'status status-' + status[0] }, text || status[1]);
}

function statusDot(status) {
  return status && h('span', { class: 'dot status-' + status[0], role: 'img', 'aria-label': status[1], title: status[1] });
}
