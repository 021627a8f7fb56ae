// A layered drawing of an acyclic graph, from left to right: ranks, dummy nodes on long edges,
// few crossings by medians, then heights by least squares without overlaps.

/**
 * Places boxes. `boxes` have `w` and `h`; `edges` are pairs of indexes.
 * Gives each box `x`, `y` (upper left corner) and returns the size and a list of points per edge.
 */
function layered(boxes, edges, gaps) {
  const gap = { x: 56, y: 14, ...gaps };
  const n = boxes.length;
  const arcs = acyclic(n, edges);
  const rank = ranks(n, arcs);

  // one cell per box, and a dummy for every rank that a long edge passes
  const cells = boxes.map((box, i) => ({ rank: rank[i], w: box.w, h: box.h, box: i, in: [], out: [] }));
  const chains = arcs.map(([from, to]) => {
    const chain = [from];
    for (let r = rank[from] + 1; r < rank[to]; r++) chain.push(cells.push({ rank: r, w: 0, h: 2, in: [], out: [] }) - 1);
    chain.push(to);
    for (let k = 1; k < chain.length; k++) {
      cells[chain[k - 1]].out.push(chain[k]);
      cells[chain[k]].in.push(chain[k - 1]);
    }
    return chain;
  });
  const layers = [];
  for (let r = 0; r <= Math.max(0, ...rank); r++) layers.push([]);
  cells.forEach((cell, i) => layers[cell.rank].push(i));

  orderLayers(layers, cells);
  heights(layers, cells, gap.y);

  let x = 0;
  const left = layers.map((layer) => {
    const at = x;
    x += Math.max(0, ...layer.map((i) => cells[i].w)) + gap.x;
    return at;
  });
  const width = layers.map((layer) => Math.max(0, ...layer.map((i) => cells[i].w)));
  const top = Math.min(0, ...cells.map((cell) => cell.y - cell.h / 2));
  cells.forEach((cell) => { cell.x = left[cell.rank]; cell.y -= top; });
  boxes.forEach((box, i) => { box.x = cells[i].x; box.y = cells[i].y - box.h / 2; box.rank = rank[i]; });
  const lines = chains.map((chain) => chain.map((c, k) => {
    const cell = cells[c];
    if (k === 0) return [[cell.x + cell.w, cell.y]];
    if (k === chain.length - 1) return [[cell.x, cell.y]];
    return [[cell.x, cell.y], [cell.x + width[cell.rank], cell.y]];
  }).flat());
  // edges that were turned to break a cycle run backwards
  arcs.forEach((arc, k) => { if (arc.turned) lines[k].reverse(); });
  return {
    width: Math.max(0, x - gap.x),
    height: Math.max(0, ...cells.map((cell) => cell.y + cell.h / 2)),
    lines: edges.map((_, k) => lines[k]),
  };
}

function acyclic(n, edges) {
  const out = Array.from({ length: n }, () => []);
  edges.forEach(([from, to], k) => out[from].push([to, k]));
  const state = new Uint8Array(n);
  const turned = new Set();
  for (let start = 0; start < n; start++) {
    const stack = state[start] ? [] : [[start, 0]];
    if (stack.length) state[start] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1];
      const next = out[top[0]][top[1]++];
      if (!next) { state[top[0]] = 2; stack.pop(); } else if (state[next[0]] === 1) turned.add(next[1]);
      else if (!state[next[0]]) { state[next[0]] = 1; stack.push([next[0], 0]); }
    }
  }
  return edges.map(([from, to], k) => (turned.has(k) ? Object.assign([to, from], { turned: true }) : [from, to]));
}

/** Longest paths from the left; then boxes with more edges out than in move right, so that edges are short. */
function ranks(n, arcs) {
  const into = Array.from({ length: n }, () => []);
  const out = Array.from({ length: n }, () => []);
  for (const [from, to] of arcs) { out[from].push(to); into[to].push(from); }
  const waiting = into.map((list) => list.length);
  const sorted = [];
  for (let i = 0; i < n; i++) if (!waiting[i]) sorted.push(i);
  const rank = new Array(n).fill(0);
  for (let k = 0; k < sorted.length; k++) {
    for (const to of out[sorted[k]]) {
      rank[to] = Math.max(rank[to], rank[sorted[k]] + 1);
      if (!--waiting[to]) sorted.push(to);
    }
  }
  for (let k = sorted.length - 1; k >= 0; k--) {
    const i = sorted[k];
    if (out[i].length > into[i].length) rank[i] = Math.max(rank[i], Math.min(...out[i].map((to) => rank[to])) - 1);
  }
  return rank;
}

function orderLayers(layers, cells) {
  const place = new Float64Array(cells.length);
  const settle = () => layers.forEach((layer) => layer.forEach((c, k) => { place[c] = k; }));
  const median = (list) => {
    if (!list.length) return -1;
    const at = list.map((c) => place[c]).sort((a, b) => a - b);
    const m = at.length >> 1;
    return at.length % 2 ? at[m] : (at[m - 1] + at[m]) / 2;
  };
  settle();
  let best = layers.map((layer) => [...layer]);
  let least = crossings(layers, cells, place);
  for (let sweep = 0; sweep < 24 && least > 0; sweep++) {
    const down = sweep % 2 === 0;
    for (let k = 1; k < layers.length; k++) {
      const layer = layers[down ? k : layers.length - 1 - k];
      const value = new Map(layer.map((c) => [c, median(down ? cells[c].in : cells[c].out)]));
      // cells without neighbours on that side keep their places
      const movable = layer.filter((c) => value.get(c) >= 0).sort((a, b) => value.get(a) - value.get(b) || place[a] - place[b]);
      let next = 0;
      layer.forEach((c, j) => { if (value.get(c) >= 0) layer[j] = movable[next++]; });
      layer.forEach((c, j) => { place[c] = j; });
    }
    const count = crossings(layers, cells, place);
    if (count < least) {
      least = count;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, k) => { layers[k] = layer; });
}

/** Crossings between neighbouring layers: inversions, counted with a binary indexed tree. */
function crossings(layers, cells, place) {
  let total = 0;
  for (let k = 0; k + 1 < layers.length; k++) {
    const size = layers[k + 1].length;
    const sums = new Int32Array(size + 1);
    let seen = 0;
    for (const c of layers[k]) {
      const ends = cells[c].out.map((to) => place[to]).sort((a, b) => a - b);
      for (const end of ends) {
        let upTo = 0;
        for (let i = end + 1; i > 0; i -= i & -i) upTo += sums[i];
        total += seen - upTo;
      }
      for (const end of ends) {
        seen++;
        for (let i = end + 1; i <= size; i += i & -i) sums[i]++;
      }
    }
  }
  return total;
}

function heights(layers, cells, gap) {
  for (const layer of layers) {
    let y = 0;
    for (const c of layer) {
      cells[c].y = y + cells[c].h / 2;
      y += cells[c].h + gap;
    }
  }
  const wish = (list) => {
    const at = list.map((c) => cells[c].y).sort((a, b) => a - b);
    const m = at.length >> 1;
    return at.length % 2 ? at[m] : (at[m - 1] + at[m]) / 2;
  };
  for (let pass = 0; pass < 16; pass++) {
    const down = pass % 2 === 0;
    for (let k = 0; k < layers.length; k++) {
      const layer = layers[down ? k : layers.length - 1 - k];
      const goals = layer.map((c) => {
        const cell = cells[c];
        const list = pass >= 12 ? [...cell.in, ...cell.out] : down ? cell.in : cell.out;
        return { at: list.length ? wish(list) : cell.y, weight: list.length ? (cell.box === undefined ? 4 : 1) : 0.05 };
      });
      settleLayer(layer, cells, goals, gap);
    }
  }
}

/** The nearest places to the goals that keep order and distance: pooling of neighbours that would overlap. */
function settleLayer(layer, cells, goals, gap) {
  const offset = [];
  let sum = 0;
  layer.forEach((c, k) => {
    if (k) sum += (cells[layer[k - 1]].h + cells[c].h) / 2 + gap;
    offset.push(sum);
  });
  const pools = [];
  goals.forEach((goal, k) => {
    pools.push({ from: k, weight: goal.weight, at: goal.at - offset[k] });
    while (pools.length > 1 && pools[pools.length - 2].at > pools[pools.length - 1].at) {
      const b = pools.pop();
      const a = pools[pools.length - 1];
      a.at = (a.at * a.weight + b.at * b.weight) / (a.weight + b.weight);
      a.weight += b.weight;
    }
  });
  pools.forEach((pool, p) => {
    const end = p + 1 < pools.length ? pools[p + 1].from : layer.length;
    for (let k = pool.from; k < end; k++) cells[layer[k]].y = pool.at + offset[k];
  });
}

/** A smooth path through the points of an edge: level where it meets a box. */
function curve(points) {
  let path = `M${round(points[0][0])} ${round(points[0][1])}`;
  for (let k = 1; k < points.length; k++) {
    const [x0, y0] = points[k - 1];
    const [x1, y1] = points[k];
    const bend = (x1 - x0) / 2;
    path += Math.abs(y1 - y0) < 0.5
      ? `L${round(x1)} ${round(y1)}`
      : `C${round(x0 + bend)} ${round(y0)} ${round(x1 - bend)} ${round(y1)} ${round(x1)} ${round(y1)}`;
  }
  return path;
}

const round = (value) => Math.round(value * 10) / 10;
