{# An update and an insert, for servers without `merge`. #}
{% macro postgres__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set sourced_cols = [] -%}
    {%- for name in insert_cols -%}
        {%- do sourced_cols.append('DBT_INTERNAL_SOURCE.' ~ name) -%}
    {%- endfor -%}

    update {{ target }}
    set {{ columns.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }}::text = {{ target }}.{{ columns.dbt_scd_id }}::text
      and DBT_INTERNAL_SOURCE.dbt_change_type::text in ('update'::text, 'delete'::text)
      {% if config.get('dbt_valid_to_current') %}
        and ({{ target }}.{{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }} or {{ target }}.{{ columns.dbt_valid_to }} is null);
      {% else %}
        and {{ target }}.{{ columns.dbt_valid_to }} is null;
      {% endif %}


    insert into {{ target }} ({{ insert_cols | join(', ') }})
    select {{ sourced_cols | join(',') }}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.dbt_change_type::text = 'insert'::text;
{% endmacro %}
