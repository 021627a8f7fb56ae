{% macro get_columns_in_relation(relation) -%}
    {{ return(adapter.dispatch('get_columns_in_relation', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__get_columns_in_relation(relation) -%}
    {{ exceptions.raise_not_implemented('get_columns_in_relation macro not implemented for adapter ' ~ adapter.type()) }}
{%- endmacro %}

{# Rows of (name, type, size, precision, scale) as column objects. #}
{% macro sql_convert_columns_in_relation(table) -%}
    {% set columns = [] %}
    {% for row in table %}
        {% do columns.append(api.Column(*row)) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{% macro get_list_of_column_names(columns) -%}
    {% set names = [] %}
    {% for column in columns %}
        {% do names.append(column.name) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ return(adapter.dispatch('get_empty_subquery_sql', 'dbt')(select_sql, select_sql_header)) }}
{%- endmacro %}

{# A query of the same columns that reads no rows. #}
{% macro default__get_empty_subquery_sql(select_sql, select_sql_header=none) %}
    {%- if select_sql_header is not none -%}
    {{ select_sql_header }}
    {%- endif -%}
    select * from (
        {{ select_sql }}
    ) as __dbt_sbq
    where false
    limit 0
{% endmacro %}

{% macro get_empty_schema_sql(columns) -%}
    {{ return(adapter.dispatch('get_empty_schema_sql', 'dbt')(columns)) }}
{%- endmacro %}

{# The contract's columns as typed nulls. #}
{% macro default__get_empty_schema_sql(columns) %}
    {%- set untyped = [] -%}
    {%- set vague = [] -%}
    {%- for column in columns.values() -%}
        {%- if not column.get('data_type') -%}
            {%- do untyped.append(column['name']) -%}
        {%- elif column['data_type'].strip().lower() in ('numeric', 'decimal', 'number') -%}
            {%- do vague.append(column['name']) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if untyped -%}
        {{ exceptions.column_type_missing(column_names=untyped) }}
    {%- endif -%}
    {%- if vague -%}
        {%- do exceptions.warn("Detected columns with numeric type and unspecified precision/scale, this can lead to unintended rounding: " ~ vague ~ "`") -%}
    {%- endif -%}
    select
    {% for column in columns.values() %}
      {%- set name = adapter.quote(column['name']) if column.get('quote') else column['name'] -%}
      {{ cast('null', column['data_type']) }} as {{ name }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{% endmacro %}

{# Columns as the driver describes them: names and type classes. #}
{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
    {% set columns = adapter.get_column_schema_from_query(get_empty_subquery_sql(select_sql, select_sql_header)) %}
    {{ return(columns) }}
{% endmacro %}

{% macro get_columns_in_query(select_sql) -%}
    {{ return(adapter.dispatch('get_columns_in_query', 'dbt')(select_sql)) }}
{%- endmacro %}

{% macro default__get_columns_in_query(select_sql) %}
    {% call statement('get_columns_in_query', fetch_result=True, auto_begin=False) -%}
        {{ get_empty_subquery_sql(select_sql) }}
    {% endcall %}
    {{ return(load_result('get_columns_in_query').table.columns | map(attribute='name') | list) }}
{% endmacro %}

{% macro alter_column_type(relation, column_name, new_column_type) -%}
    {{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}
{%- endmacro %}

{# Copies into a new column, so the column becomes the last one of the table. #}
{% macro default__alter_column_type(relation, column_name, new_column_type) -%}
    {%- set tmp_column = column_name ~ '__dbt_alter' -%}
    {%- do adapter.hold_dependents(relation) -%}
    {% call statement('alter_column_type') %}
        alter table {{ relation.render() }} add column {{ adapter.quote(tmp_column) }} {{ new_column_type }};
        update {{ relation.render() }} set {{ adapter.quote(tmp_column) }} = {{ adapter.quote(column_name) }};
        alter table {{ relation.render() }} drop column {{ adapter.quote(column_name) }} cascade;
        alter table {{ relation.render() }} rename column {{ adapter.quote(tmp_column) }} to {{ adapter.quote(column_name) }}
    {% endcall %}
{% endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
    {{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}
{%- endmacro %}

{% macro default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
    {% set additions = [] %}
    {% for column in add_columns or [] %}
        {% do additions.append('add column ' ~ column.quoted ~ ' ' ~ column.expanded_data_type) %}
    {% endfor %}
    {% set removals = [] %}
    {% for column in remove_columns or [] %}
        {% do removals.append('drop column ' ~ column.quoted) %}
    {% endfor %}
    {% if additions or removals %}
        {% set sql -%}
            alter {{ relation.type }} {{ relation.render() }}
                {{ additions | join(', ') }}
                {{ ', ' if additions and removals }}{{ removals | join(', ') }}
        {%- endset %}
        {% do run_query(sql) %}
    {% endif %}
{% endmacro %}
