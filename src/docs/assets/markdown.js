// Markdown to DOM nodes: the part of CommonMark that descriptions use, and tables.
// Raw HTML stays text; links go to http, https, mailto and this page; images become links.

const SAFE_LINK = /^(https?:|mailto:|#)/i;

/** Renders a text; the result is a list of nodes. */
function markdown(text) {
  const lines = text.replace(/\r\n?/g, '\n').replace(/\t/g, '    ').split('\n');
  return blocks(lines);
}

/** The first paragraph's words alone, for lists. */
function plainText(text) {
  const first = (text || '').trim().split(/\n\s*\n/)[0];
  return first.replace(/^#+\s*/gm, '').replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '').replace(/\s+/g, ' ').trim();
}

function blocks(lines) {
  const out = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    let m;
    if (!line.trim()) {
      i++;
    } else if ((m = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)/.exec(line))) {
      const fence = m[1];
      const code = [];
      for (i++; i < lines.length && !lines[i].trim().startsWith(fence); i++) code.push(lines[i]);
      i++;
      out.push(codeBlock(code.join('\n'), m[2]));
    } else if ((m = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line))) {
      out.push(h('h' + Math.min(6, m[1].length + 2), null, inline(m[2])));
      i++;
    } else if (/^ {0,3}([-*_])( *\1){2,}\s*$/.test(line)) {
      out.push(h('hr'));
      i++;
    } else if (/^ {0,3}>/.test(line)) {
      const quoted = [];
      for (; i < lines.length && /^ {0,3}>/.test(lines[i]); i++) quoted.push(lines[i].replace(/^ {0,3}> ?/, ''));
      out.push(h('blockquote', null, blocks(quoted)));
    } else if (listMark(line)) {
      i = list(lines, i, out);
    } else if (line.includes('|') && i + 1 < lines.length && /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/.test(lines[i + 1]) && lines[i + 1].includes('-')) {
      i = table(lines, i, out);
    } else if (/^ {4}/.test(line)) {
      const code = [];
      for (; i < lines.length && (/^ {4}/.test(lines[i]) || !lines[i].trim()); i++) code.push(lines[i].slice(4));
      out.push(codeBlock(code.join('\n').trimEnd(), ''));
    } else {
      const words = [];
      for (; i < lines.length && lines[i].trim() && (!words.length || !startsBlock(lines[i])); i++) words.push(lines[i].trimStart());
      out.push(h('p', null, inline(words.join('\n'))));
    }
  }
  return out;
}

function startsBlock(line) {
  return /^ {0,3}(#{1,6}\s|>|`{3,}|~{3,})/.test(line) || (listMark(line) && !/^ {0,3}\d{1,9}[.)]/.test(line)) || /^ {0,3}1[.)] /.test(line);
}

function codeBlock(code, language) {
  return h('pre', { tabindex: '0' }, h('code', null, /^(sql|jinja)$/i.test(language) ? highlight(code) : code));
}

function listMark(line) {
  return /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/.exec(line);
}

function list(lines, from, out) {
  const first = listMark(lines[from]);
  const ordered = /\d/.test(first[2]);
  const start = ordered ? parseInt(first[2], 10) : null;
  const element = h(ordered ? 'ol' : 'ul', { start: ordered && start !== 1 ? start : null });
  let i = from;
  while (i < lines.length) {
    const mark = listMark(lines[i]);
    if (!mark || /\d/.test(mark[2]) !== ordered) break;
    const indent = mark[0].length;
    const item = [lines[i].slice(indent)];
    for (i++; i < lines.length; i++) {
      const own = lines[i].search(/\S/);
      if (own === -1) {
        const next = lines[i + 1];
        if (next === undefined || next.search(/\S/) < indent) break;
        item.push('');
      } else if (own >= Math.min(indent, 2) && own > mark[1].length) {
        item.push(lines[i].slice(Math.min(own, indent)));
      } else if (listMark(lines[i]) || startsBlock(lines[i])) {
        break;
      } else {
        item.push(lines[i]);
      }
    }
    while (i < lines.length && !lines[i].trim() && listMark(lines[i + 1] || '')) i++;
    const content = blocks(item);
    const tight = content.length && content[0].tagName === 'P' ? [...content[0].childNodes] : content.slice(0, 1);
    element.append(h('li', null, tight, content.slice(1)));
  }
  out.push(element);
  return i;
}

function table(lines, from, out) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((c) => c.trim().replace(/\\\|/g, '|'));
  const head = cells(lines[from]);
  const align = cells(lines[from + 1]).map((c) => (/^:.*:$/.test(c) ? 'center' : /:$/.test(c) ? 'right' : null));
  const cell = (tag) => (text, k) => h(tag, { class: align[k] ? 'to-' + align[k] : null }, inline(text));
  const body = [];
  let i = from + 2;
  for (; i < lines.length && lines[i].includes('|') && lines[i].trim(); i++) body.push(cells(lines[i]).slice(0, head.length));
  out.push(h('div', { class: 'scroll' }, h('table', null,
    h('thead', null, h('tr', null, head.map(cell('th')))),
    h('tbody', null, body.map((row) => h('tr', null, row.map(cell('td'))))))));
  return i;
}

const INLINE = new RegExp([
  '\\\\([\\\\`*_{}\\[\\]()#+.!|<>~-])',            // 1 escape
  '(`+)(.+?)(?<!`)\\2(?!`)',                        // 2, 3 code
  '(!?)\\[((?:[^\\[\\]]|\\[[^\\]]*\\])*)\\]\\(\\s*<?([^()\\s>]*(?:\\([^()\\s]*\\)[^()\\s>]*)*)>?(?:\\s+"[^"]*")?\\s*\\)', // 4 image, 5 text, 6 target
  '<(https?:[^<>\\s]+)>',                           // 7 autolink
  '\\*\\*(?=\\S)(.+?)(?<=\\S)\\*\\*',               // 8 strong
  '(?<!\\w)__(?=\\S)(.+?)(?<=\\S)__(?!\\w)',        // 9 strong
  '\\*(?=[^\\s*])(.+?)(?<=[^\\s*])\\*',             // 10 emphasis
  '(?<!\\w)_(?=[^\\s_])(.+?)(?<=[^\\s_])_(?!\\w)',  // 11 emphasis
  '~~(?=\\S)(.+?)(?<=\\S)~~',                       // 12 struck
  '(https?:\\/\\/[^\\s<>()]*[^\\s<>().,;:!?\'"])',  // 13 bare link
  '( {2,}|\\\\)\\n',                                // 14 line break
].join('|'), 's');

function inline(text) {
  const out = [];
  let rest = text;
  while (rest) {
    const m = INLINE.exec(rest);
    if (!m) break;
    if (m.index) out.push(rest.slice(0, m.index));
    if (m[1]) out.push(m[1]);
    else if (m[2]) out.push(h('code', null, m[3].length > 2 ? m[3].replace(/^ (.*) $/, '$1') : m[3]));
    else if (m[6] !== undefined) out.push(link(m[6], m[5] ? inline(m[5]) : [m[6]], m[4]));
    else if (m[7]) out.push(link(m[7], [m[7]]));
    else if (m[8] || m[9]) out.push(h('strong', null, inline(m[8] || m[9])));
    else if (m[10] || m[11]) out.push(h('em', null, inline(m[10] || m[11])));
    else if (m[12]) out.push(h('s', null, inline(m[12])));
    else if (m[13]) out.push(link(m[13], [m[13]]));
    else out.push(h('br'));
    rest = rest.slice(m.index + m[0].length);
  }
  if (rest) out.push(rest);
  return out;
}

function link(target, content) {
  if (!SAFE_LINK.test(target)) return h('span', null, content);
  return h('a', { href: target, rel: target.startsWith('#') ? null : 'noopener noreferrer' }, content);
}
