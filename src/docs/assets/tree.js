// The tree at the left: folders or schemas. Only the rows in view are in the document,
// so five thousand nodes cost as much as fifty.

const tree = (() => {
  const box = document.getElementById('tree');
  const tabs = { files: document.getElementById('by-files'), schema: document.getElementById('by-schema') };
  const rowHeight = matchMedia('(pointer: coarse)').matches ? 40 : 28;
  const open = { files: new Set(), schema: new Set() };
  let order = 'files';
  let rows = [];
  let current = null;
  let focused = 0;
  const roots = { files: byFiles(), schema: bySchema() };

  function folder(parent, name) {
    let found = parent.folders.get(name);
    if (!found) {
      found = { name, path: parent.path + '/' + name, folders: new Map(), leaves: [], count: 0 };
      parent.folders.set(name, found);
    }
    return found;
  }

  function place(root, parts, node) {
    let at = root;
    for (const part of parts) at = folder(at, part);
    at.leaves.push(node);
  }

  function count(at) {
    at.count = at.leaves.length;
    for (const child of at.folders.values()) at.count += count(child);
    const name = (node) => (node.kind === 'source' ? `${node.source}.${node.name}` : node.name);
    at.leaves.sort((a, b) => name(a).localeCompare(name(b), 'en', { numeric: true }));
    at.folders = new Map([...at.folders].sort((a, b) => a[0].localeCompare(b[0], 'en', { numeric: true })));
    return at.count;
  }

  function byFiles() {
    const root = { path: '', folders: new Map(), leaves: [] };
    for (const node of nodes) {
      if (node.kind === 'test' && node.generic) continue;
      const parts = node.file.split('/').slice(0, -1);
      place(root, node.package === site.name ? parts : ['packages', node.package, ...parts], node);
    }
    count(root);
    return root;
  }

  function bySchema() {
    const root = { path: '', folders: new Map(), leaves: [] };
    for (const node of nodes) if (node.relation && !TESTS.has(node.kind)) place(root, [node.schema], node);
    count(root);
    return root;
  }

  function flatten() {
    rows = [];
    const walk = (at, level) => {
      const size = at.folders.size + at.leaves.length;
      let position = 0;
      for (const child of at.folders.values()) {
        const isOpen = open[order].has(child.path);
        rows.push({ folder: child, level, isOpen, size, position: ++position });
        if (isOpen) walk(child, level + 1);
      }
      for (const node of at.leaves) rows.push({ node, level, size, position: ++position });
    };
    walk(roots[order], 1);
    focused = Math.min(focused, Math.max(0, rows.length - 1));
  }

  const sizer = h('div', { class: 'tree-sizer', role: 'presentation' });
  const view = h('div', { class: 'tree-view', role: 'presentation' });
  sizer.append(view);
  box.append(sizer);

  function draw() {
    const height = box.clientHeight || 600;
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - 8);
    const last = Math.min(rows.length, Math.ceil((box.scrollTop + height) / rowHeight) + 8);
    sizer.style.height = rows.length * rowHeight + 'px';
    view.style.transform = `translateY(${first * rowHeight}px)`;
    const hadFocus = view.contains(document.activeElement);
    view.replaceChildren(...rows.slice(first, last).map((row, k) => element(row, first + k)));
    if (!rows.length) view.append(h('p', { class: 'empty' }, 'Nothing here'));
    if (hadFocus && focused >= first && focused < last) view.children[focused - first].focus({ preventScroll: true });
  }

  function element(row, index) {
    const common = {
      role: 'treeitem', 'aria-level': row.level, 'aria-setsize': row.size, 'aria-posinset': row.position,
      tabindex: index === focused ? '0' : '-1', style: `--level:${row.level};height:${rowHeight}px`, 'data-row': index,
    };
    if (row.folder) {
      return h('div', { ...common, class: 'tree-row folder', 'aria-expanded': String(row.isOpen), onclick: () => { focused = index; toggle(row); } },
        h('span', { class: 'twist', 'aria-hidden': 'true' }), h('span', { class: 'tree-name' }, row.folder.name),
        h('span', { class: 'tree-count' }, row.folder.count));
    }
    const node = row.node;
    const status = worst(node);
    return h('a', { ...common, class: 'tree-row leaf', href: nodeRoute(node), title: `${kindName(node)} ${title(node)}`, 'aria-selected': String(node === current), 'aria-current': node === current ? 'page' : null },
      h('span', { class: 'mark kind-' + node.kind, 'aria-hidden': 'true' }), h('span', { class: 'tree-name' }, node.kind === 'source' && order === 'files' ? `${node.source}.${node.name}` : node.name),
      status && status[0] !== 'good' && status[0] !== 'none' && statusDot(status));
  }

  function toggle(row) {
    if (!open[order].delete(row.folder.path)) open[order].add(row.folder.path);
    flatten();
    draw();
  }

  function focus(index) {
    focused = Math.max(0, Math.min(rows.length - 1, index));
    const top = focused * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
    draw();
    const target = view.querySelector(`[data-row="${focused}"]`);
    if (target) target.focus({ preventScroll: true });
  }

  box.addEventListener('scroll', () => requestAnimationFrame(draw), { passive: true });
  addEventListener('resize', () => requestAnimationFrame(draw));
  box.addEventListener('keydown', (event) => {
    const row = rows[focused];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const parent = () => { let i = focused; while (i > 0 && rows[i].level >= row.level) i--; return i; };
    const keys = {
      ArrowDown: () => focus(focused + 1),
      ArrowUp: () => focus(focused - 1),
      Home: () => focus(0),
      End: () => focus(rows.length - 1),
      ArrowRight: () => { if (row.folder) { if (row.isOpen) focus(focused + 1); else { toggle(row); focus(focused); } } },
      ArrowLeft: () => { if (row.folder && row.isOpen) { toggle(row); focus(focused); } else focus(parent()); },
      Enter: () => { if (row.folder) { toggle(row); focus(focused); } else location.hash = nodeRoute(row.node); },
      ' ': () => keys.Enter(),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  function choose(which) {
    order = which;
    for (const [name, tab] of Object.entries(tabs)) {
      tab.setAttribute('aria-selected', String(name === which));
      tab.tabIndex = name === which ? 0 : -1;
    }
    flatten();
    reveal(current);
  }
  for (const [name, tab] of Object.entries(tabs)) {
    tab.addEventListener('click', () => choose(name));
    tab.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      choose(name === 'files' ? 'schema' : 'files');
      tabs[order].focus();
    });
  }

  /** Opens the folders above a node and brings it into view. */
  function reveal(node) {
    current = node;
    if (node) {
      const find = (at) => at.leaves.includes(node) || [...at.folders.values()].some((child) => find(child) && open[order].add(child.path));
      find(roots[order]);
    }
    flatten();
    const index = rows.findIndex((row) => node && row.node === node);
    if (index >= 0) {
      focused = index;
      const top = index * rowHeight;
      if (top < box.scrollTop || top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = Math.max(0, top - box.clientHeight / 3);
    }
    draw();
  }

  // small projects start open, large ones with their first folders
  const openAll = (at, depth, set) => { for (const child of at.folders.values()) { if (depth > 0 && child.name !== 'packages') { set.add(child.path); openAll(child, depth - 1, set); } } };
  const size = nodes.filter((node) => !TESTS.has(node.kind) && node.kind !== 'macro').length;
  openAll(roots.files, size < 80 ? 9 : 1, open.files);
  openAll(roots.schema, size < 80 ? 1 : 0, open.schema);
  for (const child of roots.files.folders.values()) if (/^(macros|tests|analyses)$/.test(child.name)) open.files.delete(child.path);
  flatten();
  return { reveal, draw };
})();
