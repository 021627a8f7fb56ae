// Colours for SQL with Jinja in it: one pass of one regular expression, no parsing.

const KEYWORDS = new Set(('all alter and any array as asc between both by case cast check collate column constraint create cross ' +
  'current_date current_timestamp default delete desc distinct do drop else end escape except exists false fetch filter first following for foreign from full ' +
  'generated grant group having if ilike in index inner insert intersect interval into is join key last lateral leading left like limit materialized natural not null nulls ' +
  'offset on only or order outer over partition preceding primary range recursive references returning right row rows select set similar table temp temporary then ' +
  'ties to trailing true truncate unbounded union unique update using values view when where window with within without').split(' '));
const TYPES = new Set('bigint bigserial boolean bool bytea char character date decimal double float float8 int int4 int8 integer json jsonb numeric precision real serial smallint text time timestamp timestamptz uuid varchar zone'.split(' '));

const SQL_TOKEN = /(\{#[\s\S]*?#\})|(\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\})|(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\5\$)|("(?:[^"]|"")*")|(\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/g;
const JINJA_TOKEN = /('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(\b\d+(?:\.\d+)?\b)|(\b(?:and|as|block|break|call|continue|do|elif|else|endblock|endcall|endfilter|endfor|endif|endmacro|endset|endsnapshot|endtest|false|filter|for|from|if|import|in|is|macro|materialization|none|not|or|recursive|set|snapshot|test|true|with)\b)|([A-Za-z_]\w*)(?=\s*\()/gi;

function token(kind, text) {
  return h('span', { class: 't-' + kind }, text);
}

/** Nodes for a text of SQL. `find(call, names)` gives the address for a ref or source call, or nothing. */
function highlight(code, find) {
  return tokens(code, SQL_TOKEN, (m, code) => {
    if (m[1]) return token('comment', m[0]);
    if (m[2]) return h('span', { class: 't-jinja' }, jinja(m[2], find));
    if (m[3]) return token('comment', m[0]);
    if (m[4]) return token('string', m[0]);
    if (m[6]) return m[0];
    if (m[7]) return token('number', m[0]);
    const word = m[8].toLowerCase();
    if (KEYWORDS.has(word)) return token('keyword', m[0]);
    if (TYPES.has(word) && code[m.index - 1] !== '.') return token('type', m[0]);
    if (/^\s*\(/.test(code.slice(m.index + m[0].length, m.index + m[0].length + 20))) return token('function', m[0]);
    return m[0];
  });
}

function tokens(code, pattern, paint) {
  const out = [];
  let at = 0;
  pattern.lastIndex = 0;
  for (const m of code.matchAll(pattern)) {
    if (m.index > at) out.push(code.slice(at, m.index));
    out.push(paint(m, code));
    at = m.index + m[0].length;
  }
  out.push(code.slice(at));
  return out;
}

function jinja(code, find) {
  const calls = [];
  if (find) {
    for (const m of code.matchAll(/\b(ref|source)\s*\(\s*((?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*)/g)) {
      const names = [...m[2].matchAll(/'([^']*)'|"([^"]*)"/g)].map((x) => x[1] ?? x[2]);
      const address = find(m[1], names);
      if (address) calls.push({ from: m.index + m[0].length - m[2].length, to: m.index + m[0].length, address });
    }
  }
  const out = [];
  let at = 0;
  for (const call of calls) {
    out.push(...jinjaTokens(code.slice(at, call.from)));
    out.push(h('a', { href: call.address, class: 't-link' }, code.slice(call.from, call.to)));
    at = call.to;
  }
  out.push(...jinjaTokens(code.slice(at)));
  return out;
}

function jinjaTokens(code) {
  return tokens(code, JINJA_TOKEN, (m) => {
    if (m[1]) return token('string', m[0]);
    if (m[2]) return token('number', m[0]);
    if (m[3]) return token('keyword', m[0]);
    return token('function', m[0]);
  });
}
