{# Runs the model over its fixtures and returns its rows beside the expected ones. An empty temporary table of the
   model's query tells the types that the expected values are cast to. #}
{%- materialization unit, default -%}

  {% set relations = [] %}

  {% set expected_rows = config.get('expected_rows') %}
  {% set expected_sql = config.get('expected_sql') %}
  {% set tested_column_names = expected_rows[0].keys() if expected_rows else get_columns_in_query(sql) %}

  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set temp_relation = make_temp_relation(target_relation) -%}
  {% do run_query(get_create_table_as_sql(True, temp_relation, get_empty_subquery_sql(sql))) %}

  {%- set data_types = {} -%}
  {%- set quoted_names = {} -%}
  {%- for column in adapter.get_columns_in_relation(temp_relation) -%}
    {%- do data_types.update({column.name | lower: column.data_type}) -%}
    {%- do quoted_names.update({column.name | lower: column.quoted}) -%}
  {%- endfor -%}

  {%- set expected_column_names = [] -%}
  {%- for name in tested_column_names -%}
    {%- do expected_column_names.append(quoted_names[name | lower]) -%}
  {%- endfor -%}

  {% if not expected_sql %}
    {% set expected_sql = get_expected_sql(expected_rows, data_types, quoted_names) %}
  {% endif %}
  {% set unit_test_sql = get_unit_test_sql(sql, expected_sql, expected_column_names) %}

  {% call statement('main', fetch_result=True) -%}

    {{ unit_test_sql }}

  {%- endcall %}

  {% do adapter.drop_relation(temp_relation) %}

  {{ return({'relations': relations}) }}

{%- endmaterialization -%}
