// Search: names, columns, tags and descriptions as one types; SQL when little else is found.

const search = (() => {
  const input = document.getElementById('search');
  const results = document.getElementById('results');
  const LIMIT = 60;
  let hits = [];
  let chosen = -1;
  let index = null;

  function build() {
    return nodes.map((node) => ({
      node,
      name: (node.kind === 'source' ? node.source + '.' + node.name : node.name).toLowerCase(),
      label: (node.label || '').toLowerCase(),
      columns: node.columns.map((c) => c.name.toLowerCase()),
      rest: [node.schema, ...node.tags, node.description, ...node.columns.map((c) => c.description || '')].join('\n').toLowerCase(),
    }));
  }

  // lower is better: 0 for a name that is the word, 9 for words deep in a text
  function score(entry, word) {
    const at = entry.name.indexOf(word);
    if (at === 0) return entry.name.length === word.length ? 0 : 1;
    if (at > 0) return /[._ ]/.test(entry.name[at - 1]) ? 2 : 3;
    if (entry.label.includes(word)) return 3;
    if (entry.columns.some((c) => c === word)) return 4;
    if (entry.columns.some((c) => c.includes(word))) return 5;
    return entry.rest.includes(word) ? 7 : null;
  }

  function run(text) {
    index = index || build();
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const found = [];
    for (const entry of index) {
      let total = TESTS.has(entry.node.kind) ? 4 : entry.node.kind === 'macro' ? 2 : 0;
      const scores = words.map((word) => score(entry, word));
      if (scores.some((x) => x === null)) continue;
      for (const x of scores) total += x;
      const column = entry.node.columns.find((c) => words.some((word) => c.name.toLowerCase().includes(word)));
      found.push({ node: entry.node, total, column: Math.max(...scores) >= 4 ? column : null });
    }
    if (found.length < 15 && text.trim().length > 2) {
      const have = new Set(found.map((f) => f.node));
      const word = text.trim().toLowerCase();
      for (const node of nodes) if (!have.has(node) && node.raw && node.raw.toLowerCase().includes(word)) found.push({ node, total: 20, inSql: true });
    }
    return found.sort((a, b) => a.total - b.total || a.node.name.length - b.node.name.length || (a.node.id < b.node.id ? -1 : 1));
  }

  function marked(text, words) {
    const lower = text.toLowerCase();
    const word = words.find((w) => lower.includes(w));
    if (!word) return [text];
    const at = lower.indexOf(word);
    return [text.slice(0, at), h('mark', null, text.slice(at, at + word.length)), text.slice(at + word.length)];
  }

  function show() {
    const text = input.value;
    const all = run(text);
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    hits = all.slice(0, LIMIT);
    chosen = hits.length ? 0 : -1;
    const options = hits.map((hit, i) => h('a', {
      class: 'result', role: 'option', id: 'result-' + i, href: target(hit), tabindex: '-1', 'aria-selected': String(i === chosen),
    },
    h('span', { class: 'mark kind-' + hit.node.kind, 'aria-hidden': 'true' }),
    h('span', { class: 'result-name' }, marked(hit.node.kind === 'source' ? `${hit.node.source}.${hit.node.name}` : hit.node.name, words),
      hit.column && h('span', { class: 'result-column' }, '.', marked(hit.column.name, words))),
    h('span', { class: 'result-kind' }, kindName(hit.node), hit.inSql && ' · in SQL'),
    h('span', { class: 'result-text' }, plainText(hit.column ? hit.column.description : hit.node.description))));
    if (text.trim() && !options.length) options.push(h('p', { class: 'empty' }, `Nothing found for “${text.trim()}”`));
    if (all.length > LIMIT) options.push(h('p', { class: 'empty' }, `${(all.length - LIMIT).toLocaleString('en')} more; type on to narrow them down`));
    results.replaceChildren(...options);
    const visible = text.trim() !== '';
    results.hidden = !visible;
    input.setAttribute('aria-expanded', String(visible));
    mark();
    if (visible) announce(plural(all.length, 'result'));
  }

  const target = (hit) => nodeRoute(hit.node, hit.column ? { column: hit.column.name } : null);

  function mark() {
    results.querySelectorAll('[role=option]').forEach((option, i) => {
      option.setAttribute('aria-selected', String(i === chosen));
      if (i === chosen) option.scrollIntoView({ block: 'nearest' });
    });
    if (chosen >= 0) input.setAttribute('aria-activedescendant', 'result-' + chosen);
    else input.removeAttribute('aria-activedescendant');
  }

  function close() {
    results.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  input.addEventListener('input', show);
  input.addEventListener('focus', () => { if (input.value.trim()) show(); });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (hits.length) chosen = (chosen + (event.key === 'ArrowDown' ? 1 : hits.length - 1)) % hits.length;
      mark();
    } else if (event.key === 'Enter' && hits[chosen]) {
      location.hash = target(hits[chosen]);
      input.blur();
      close();
    } else if (event.key === 'Escape') {
      if (results.hidden) input.blur();
      input.value = '';
      close();
    }
  });
  results.addEventListener('click', (event) => { if (event.target.closest('a')) close(); });
  document.addEventListener('pointerdown', (event) => { if (!event.target.closest('.search')) close(); });
  document.addEventListener('keydown', (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName);
    if ((event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) || (event.key === 'k' && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
  return { close };
})();
