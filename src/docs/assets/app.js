// Routes, the menu of small screens, light and dark.

const main = document.getElementById('main');
const side = document.getElementById('side');
const menu = document.getElementById('menu');
const shade = document.getElementById('shade');

function parse(hash) {
  const [path, search] = hash.replace(/^#\/?/, '').split('?');
  const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
  const query = {};
  for (const pair of (search || '').split('&').filter(Boolean)) {
    const at = pair.indexOf('=');
    query[decode(at < 0 ? pair : pair.slice(0, at))] = at < 0 ? '' : decode(pair.slice(at + 1));
  }
  return { parts: path.split('/').filter(Boolean).map(decode), query };
}

let first = true;
let last = null;

function show() {
  const { parts, query } = parse(location.hash);
  const node = parts[1] !== undefined ? byId.get(parts[1]) : null;
  let content;
  let name;
  let page = parts[0] || 'overview';
  if (page === 'overview') {
    content = overviewPage();
    name = 'Overview';
  } else if (page === 'graph' && (node || parts[1] === undefined) && nodes.length) {
    content = graphPage(node, query);
    name = node ? `Lineage of ${title(node)}` : 'Lineage';
  } else if (page === 'list') {
    content = listPage(query);
    name = 'List';
  } else if (page === 'node' && node) {
    content = nodePage(node, query);
    name = title(node);
  } else {
    page = 'missing';
    content = h('header', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Not found'), h('p', null, 'There is no such page. It may have been renamed or removed; ', h('a', { href: '#/' }, 'the overview'), ' has everything there is.'));
    name = 'Not found';
  }
  main.className = 'page-' + page;
  main.replaceChildren(...[content].flat(Infinity).filter(Boolean));
  document.title = `${name} · ${site.name}`;
  for (const a of document.querySelectorAll('a[data-page]')) {
    if (a.dataset.page === page) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  tree.reveal(page === 'node' || page === 'graph' ? node : null);
  closeMenu();
  search.close();
  const where = page + '/' + (parts[1] || '');
  if (first) {
    first = false;
  } else if (where !== last) {
    main.scrollTop = 0;
    scrollTo(0, 0);
    const heading = main.querySelector('h1');
    if (heading) heading.focus({ preventScroll: true });
    announce(name);
  }
  if (query.column) {
    const row = document.getElementById('column-' + query.column);
    const target = hasColumnLineage ? document.getElementById('lineage') : row;
    if (target) target.scrollIntoView({ block: 'nearest' });
  }
  last = where;
}

function closeMenu() {
  side.classList.remove('open');
  shade.hidden = true;
  menu.setAttribute('aria-expanded', 'false');
}

menu.addEventListener('click', () => {
  const open = !side.classList.contains('open');
  if (!open) return closeMenu();
  side.classList.add('open');
  shade.hidden = false;
  menu.setAttribute('aria-expanded', 'true');
  tree.draw();
  const target = side.querySelector('[aria-selected=true]');
  if (target) target.focus();
});
shade.addEventListener('click', closeMenu);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && side.classList.contains('open')) {
    closeMenu();
    menu.focus();
  }
});

// Light or dark: as the system has it, until the button is pressed.
const themeButton = document.getElementById('theme');
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const remembered = { get: () => { try { return localStorage.getItem('tv1-docs-theme'); } catch { return null; } }, set: (v) => { try { localStorage.setItem('tv1-docs-theme', v); } catch { /* a page opened from a file may have no storage */ } } };
let theme = remembered.get();

function isDark() {
  return theme ? theme === 'dark' : systemDark.matches;
}

function paintTheme() {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  const words = isDark() ? 'Light colours' : 'Dark colours';
  themeButton.replaceChildren(icon(isDark() ? 'sun' : 'moon'));
  themeButton.setAttribute('aria-label', words);
  themeButton.title = words;
}
themeButton.addEventListener('click', () => {
  theme = isDark() ? 'light' : 'dark';
  remembered.set(theme);
  paintTheme();
});
systemDark.addEventListener('change', paintTheme);
paintTheme();

document.getElementById('brand').append(h('span', { class: 'brand-mark', 'aria-hidden': 'true' }), site.name);
addEventListener('hashchange', show);
show();
