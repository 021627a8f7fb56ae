{% macro get_table_columns_and_constraints() -%}
    {{ return(adapter.dispatch('get_table_columns_and_constraints', 'dbt')()) }}
{%- endmacro %}

{% macro default__get_table_columns_and_constraints() -%}
  {{ return(table_columns_and_constraints()) }}
{%- endmacro %}

{# The parenthesised column list of a contract. #}
{% macro table_columns_and_constraints() %}
  {%- set lines = adapter.render_raw_columns_constraints(raw_columns=model['columns']) -%}
  {%- set constraints = adapter.render_raw_model_constraints(raw_constraints=model['constraints']) %}
  (
    {% for line in lines -%}
    {{ line }}{{ ',' if not loop.last or constraints }}
    {% endfor -%}
    {%- for constraint in constraints %}
    {{ constraint }}{{ ',' if not loop.last }}
    {%- endfor %}
    )
{% endmacro %}

{% macro get_assert_columns_equivalent(sql) -%}
    {{ return(adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql)) }}
{%- endmacro %}

{% macro default__get_assert_columns_equivalent(sql) -%}
  {{ return(assert_columns_equivalent(sql)) }}
{%- endmacro %}

{# Stops with a table of differences unless the query has the columns of the contract, whatever their order. #}
{% macro assert_columns_equivalent(sql) %}
  {%- if not model['columns'] -%}
    {{ exceptions.raise_contract_error([], []) }}
  {%- endif -%}
  {%- set sql_columns = get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
  {%- set yaml_columns = get_column_schema_from_query(get_empty_schema_sql(model['columns'])) -%}
  {%- set sql_columns = format_columns(sql_columns) -%}
  {%- set yaml_columns = format_columns(yaml_columns) -%}
  {%- if sql_columns | length != yaml_columns | length -%}
    {%- do exceptions.raise_contract_error(yaml_columns, sql_columns) -%}
  {%- endif -%}
  {%- set wanted = yaml_columns | map(attribute='formatted') | list -%}
  {%- for column in sql_columns if column['formatted'] not in wanted -%}
    {%- do exceptions.raise_contract_error(yaml_columns, sql_columns) -%}
  {%- endfor -%}
{% endmacro %}

{% macro format_columns(columns) %}
  {% set formatted = [] %}
  {% for column in columns %}
    {%- do formatted.append(adapter.dispatch('format_column', 'dbt')(column)) -%}
  {% endfor %}
  {{ return(formatted) }}
{% endmacro %}

{% macro default__format_column(column) -%}
  {{ return({
    'name': column.name,
    'data_type': column.dtype,
    'formatted': column.column.lower() ~ ' ' ~ column.dtype
  }) }}
{%- endmacro %}
