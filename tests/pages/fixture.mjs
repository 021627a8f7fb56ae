// Artefacts for the tests of the documentation page: a small project with every kind of node
// and hostile texts, and a large one.

export const HOSTILE = '</script><script>window.harmed = 1</script><img src=x onerror="window.harmed = 1"> **bold** [bad](javascript:window.harmed=1)';

const metadata = { project_name: 'shop', adapter_type: 'postgres', dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json' };

function node(id, fields) {
  const [kind, pkg, ...rest] = id.split('.');
  const name = rest[rest.length - 1];
  return [id, {
    unique_id: id, resource_type: kind, name, package_name: pkg, original_file_path: `models/${name}.sql`, description: '', columns: {}, tags: [], meta: {},
    config: {}, depends_on: { nodes: [], macros: [] }, schema: 'marts', relation_name: ['model', 'seed', 'snapshot', 'source', 'simulation'].includes(kind) ? `"db"."marts"."${name}"` : null, ...fields,
  }];
}

const on = (...ids) => ({ depends_on: { nodes: ids, macros: [] } });
const columns = (object) => ({ columns: Object.fromEntries(Object.entries(object).map(([name, description]) => [name, { name, description }])) });

export const small = {
  metadata,
  docs: { 'doc.shop.__overview__': { block_contents: '# Butikken\n\nOrdrer fra **Ærø** til Skagen.' } },
  nodes: Object.fromEntries([
    node('seed.shop.countries', { original_file_path: 'seeds/countries.csv', config: { materialized: 'seed' } }),
    node('simulation.shop.raw_orders', { original_file_path: 'simulations/raw_orders.yml', relation_name: '"db"."raw"."orders"', schema: 'raw' }),
    node('model.shop.stg_orders', { config: { materialized: 'view' }, raw_code: "select id, 'æøå' as note -- comment\nfrom {{ source('raw', 'orders') }}", compiled_code: 'select id from "db"."raw"."orders"', ...on('source.shop.raw.orders'), ...columns({ id: 'Key of the order' }), original_file_path: 'models/staging/stg_orders.sql' }),
    node('model.shop.orders', {
      config: { materialized: 'table' }, description: `All orders.\n\n${HOSTILE}\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- one\n- two`, tags: ['kpi'], raw_code: "select * from {{ ref('stg_orders') }}",
      ...on('model.shop.stg_orders', 'seed.shop.countries'), ...columns({ order_id: 'Key', total: HOSTILE }), meta: { note: HOSTILE },
    }),
    node('model.shop.daily', { config: { materialized: 'table' }, ...on('model.shop.orders'), ...columns({ day: '', revenue: 'Sum' }) }),
    node('snapshot.shop.history', { original_file_path: 'snapshots/history.sql', config: { materialized: 'snapshot', strategy: 'check' }, ...on('model.shop.orders') }),
    node('test.shop.unique_orders_order_id', { attached_node: 'model.shop.orders', column_name: 'order_id', test_metadata: { name: 'unique', kwargs: {} }, ...on('model.shop.orders'), compiled_code: 'select 1' }),
    node('test.shop.no_negative_totals', { original_file_path: 'tests/no_negative_totals.sql', ...on('model.shop.orders'), raw_code: 'select 1' }),
  ]),
  sources: Object.fromEntries([node('source.shop.raw.orders', { source_name: 'raw', schema: 'raw', relation_name: '"db"."raw"."orders"', original_file_path: 'models/staging/sources.yml', ...columns({ id: '' }) })]),
  exposures: Object.fromEntries([node('exposure.shop.report', { label: 'The report', type: 'dashboard', owner: { name: 'Insight' }, ...on('model.shop.daily', 'metric.shop.revenue') })]),
  metrics: Object.fromEntries([node('metric.shop.revenue', { label: 'Revenue', type: 'simple', ...on('model.shop.daily') })]),
  macros: { 'macro.shop.cents': { ...node('macro.shop.cents', { original_file_path: 'macros/cents.sql' })[1], macro_sql: '{% macro cents(x) %}{{ x }} / 100{% endmacro %}', arguments: [{ name: 'x', type: 'string', description: 'SQL' }] } },
};

export const results = {
  metadata: { generated_at: '2025-01-31T07:59:00Z' }, args: { which: 'build' }, elapsed_time: 3.2,
  results: [
    ['model.shop.stg_orders', 'success', null], ['model.shop.orders', 'success', null], ['model.shop.daily', 'error', HOSTILE], ['snapshot.shop.history', 'skipped', null],
    ['test.shop.unique_orders_order_id', 'pass', null], ['test.shop.no_negative_totals', 'fail', 'Got 3 results, configured to fail if != 0'],
  ].map(([unique_id, status, message]) => ({ unique_id, status, message, execution_time: 0.25 })),
};

const edge = (from, to, kind) => ({ from, to, kind });
export const columnLineage = {
  edges: [
    edge(['source.shop.raw.orders', 'id'], ['model.shop.stg_orders', 'id'], 'copy'),
    edge(['model.shop.stg_orders', 'id'], ['model.shop.orders', 'order_id'], 'copy'),
    edge(['model.shop.stg_orders', 'id'], ['model.shop.orders', 'total'], 'derive'),
    edge(['model.shop.orders', 'total'], ['model.shop.daily', 'revenue'], 'aggregate'),
    edge(['model.shop.orders', 'order_id'], ['model.shop.daily', 'day'], 'filter'),
  ],
};

/** Models in layers, each made of up to three of the layer before. */
export function large(count) {
  const nodes = {};
  const width = Math.ceil(count / 12);
  for (let i = 0; i < count; i++) {
    const layer = Math.floor(i / width);
    const ids = layer ? [0, 1, 2].map((k) => `model.shop.m_${String((layer - 1) * width + ((i * 7 + k * 13) % width)).padStart(5, '0')}`) : [];
    const [id, entry] = node(`model.shop.m_${String(i).padStart(5, '0')}`, { ...on(...new Set(ids)), ...columns({ id: 'Key', value: 'Value' }), original_file_path: `models/layer_${layer}/m_${i}.sql`, raw_code: 'select 1 as id' });
    nodes[id] = entry;
  }
  return { metadata, nodes };
}
