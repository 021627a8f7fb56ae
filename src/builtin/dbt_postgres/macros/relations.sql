{# Which views read which relations, so that the cache can follow a `cascade`. #}
{% macro postgres__get_relations() -%}
  {%- call statement('relations', fetch_result=True) -%}
    select distinct
        view_schema.nspname as dependent_schema,
        view_class.relname as dependent_name,
        read_schema.nspname as referenced_schema,
        read_class.relname as referenced_name

    -- a view is the owner of a rewrite rule; the rule depends on every column that the view reads
    from pg_rewrite as rule
    join pg_class as view_class on view_class.oid = rule.ev_class
    join pg_namespace as view_schema on view_schema.oid = view_class.relnamespace
    join pg_depend as reads on reads.objid = rule.oid
        and reads.classid = 'pg_rewrite'::regclass
        and reads.refclassid = 'pg_class'::regclass
        and reads.refobjid != rule.ev_class
    join pg_class as read_class on read_class.oid = reads.refobjid
    join pg_namespace as read_schema on read_schema.oid = read_class.relnamespace
        and read_schema.nspname != 'information_schema'
        and read_schema.nspname not like 'pg\_%'

    where view_class.relkind in ('v', 'm')

    order by 1, 2, 3, 4
  {%- endcall -%}
  {{ return(load_result('relations').table) }}
{% endmacro %}

{# The older name. #}
{% macro postgres_get_relations() %}
  {{ return(postgres__get_relations()) }}
{% endmacro %}
