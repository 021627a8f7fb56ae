{# The rows of a fixture as a query with all columns of the relation that it stands for; a column that a row does not
   give is null. Without rows the query has the columns and no row. #}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
{%- set default_row = {} -%}
{%- set column_name_to_quoted = {} -%}

{%- if not column_name_to_data_types -%}
  {%- set relation = defer_relation if defer_relation and not load_relation(this) else this -%}
  {%- set column_name_to_data_types = {} -%}
  {%- for column in adapter.get_columns_in_relation(relation) -%}
    {#- data_type keeps the length of text types, which the cast leaves out -#}
    {%- do column_name_to_data_types.update({column.name | lower: column.data_type}) -%}
    {%- do column_name_to_quoted.update({column.name | lower: column.quoted}) -%}
  {%- endfor -%}
{%- endif -%}

{%- if not column_name_to_data_types -%}
    {{ exceptions.raise_compiler_error(
        "Not able to get columns for unit test '" ~ model.name ~ "' from relation " ~ this ~ " because the relation doesn't exist"
    ) }}
{%- endif -%}

{%- for column_name, column_type in column_name_to_data_types.items() -%}
    {%- do default_row.update({column_name: (safe_cast("null", column_type | trim)) | trim}) -%}
{%- endfor -%}

{{ validate_fixture_rows(rows, row_number) }}
-- Fixture for {{ model.name }}
{% for row in rows -%}
{%- set formatted_row = format_row(row, column_name_to_data_types) -%}
{%- set full_row = default_row.copy() -%}
{%- do full_row.update(formatted_row) -%}
select
{%- for column_name, column_value in full_row.items() %} {{ column_value }} as {{ column_name_to_quoted.get(column_name, column_name) }}{% if not loop.last -%}, {%- endif %}
{%- endfor %}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor -%}

{%- if (rows | length) == 0 -%}
select
    {%- for column_name, column_value in default_row.items() %} {{ column_value }} as {{ column_name_to_quoted.get(column_name, column_name) }}{% if not loop.last -%}, {%- endif %}
    {%- endfor %}
    limit 0
{%- endif -%}
{% endmacro %}

{# The expected rows. Without any the query has the columns of the result and no row. #}
{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) %}

{%- if (rows | length) == 0 -%}
    select * from dbt_internal_unit_test_actual
    limit 0
{%- else -%}
{%- for row in rows -%}
{%- set formatted_row = format_row(row, column_name_to_data_types) -%}
select
{%- for column_name, column_value in formatted_row.items() %} {{ column_value }} as {{ column_name_to_quoted[column_name] }}{% if not loop.last -%}, {%- endif %}
{%- endfor %}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor -%}
{%- endif -%}

{% endmacro %}

{# A row's values as casts, under lower-case names. Text is quoted, everything else is taken as it is. #}
{%- macro format_row(row, column_name_to_data_types) -%}
    {%- set formatted_row = {} -%}
    {%- for column_name, column_value in row.items() -%}
        {%- set column_name = column_name | lower -%}

        {%- if column_name not in column_name_to_data_types -%}
            {#- with two inputs of one name the message still tells which columns would do -#}
            {%- set fixture = 'expected output' if model.resource_type == 'unit_test' else "'" ~ model.name ~ "'" -%}
            {{ exceptions.raise_compiler_error(
                "Invalid column name: '" ~ column_name ~ "' in unit test fixture for " ~ fixture ~ ".\n"
                "Accepted columns for " ~ fixture ~ " are: " ~ (column_name_to_data_types.keys() | list)
            ) }}
        {%- endif -%}

        {%- set column_type = column_name_to_data_types[column_name] -%}

        {%- if column_value is string -%}
            {%- set safe_value = dbt.string_literal(dbt.escape_single_quotes(column_value)) -%}
        {%- elif column_value is none -%}
            {%- set safe_value = 'null' -%}
        {%- else -%}
            {%- set safe_value = column_value -%}
        {%- endif -%}

        {#- a value longer than the column must stay visible as a difference -#}
        {%- if column_type.startswith('character varying') -%}
            {%- set column_type = 'character varying' -%}
        {%- endif -%}

        {%- do formatted_row.update({column_name: dbt.safe_cast(safe_value, column_type)}) -%}
    {%- endfor -%}
    {{ return(formatted_row) }}
{%- endmacro -%}

{# A place for adapters to refuse rows. #}
{%- macro validate_fixture_rows(rows, row_number) -%}
  {{ return(adapter.dispatch('validate_fixture_rows', 'dbt')(rows, row_number)) }}
{%- endmacro -%}

{%- macro default__validate_fixture_rows(rows, row_number) -%}
  {# nothing to refuse #}
{%- endmacro -%}
