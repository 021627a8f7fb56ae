{# "a", "b" #}
{% macro get_quoted_csv(column_names) %}
    {%- set quoted = [] -%}
    {%- for name in column_names -%}
        {%- do quoted.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {{ return(quoted | join(', ')) }}
{% endmacro %}

{# The source's columns whose names the target lacks; names are compared exactly. #}
{% macro diff_columns(source_columns, target_columns) %}
    {% set target_names = target_columns | map(attribute='column') | list %}
    {{ return(source_columns | rejectattr('column', 'in', target_names) | list) }}
{% endmacro %}

{% macro diff_column_data_types(source_columns, target_columns) -%}
    {{ return(adapter.dispatch('diff_column_data_types', 'dbt')(source_columns, target_columns)) }}
{%- endmacro %}

{# Columns of one name and two types, unless the target only has to grow. #}
{% macro default__diff_column_data_types(source_columns, target_columns) %}
    {% set changes = [] %}
    {% for source in source_columns %}
        {% set target = target_columns | selectattr('name', 'equalto', source.name) | list | first %}
        {% if target and source.expanded_data_type != target.expanded_data_type and not source.can_expand_to(other_column=target) %}
            {% do changes.append({'column_name': target.name, 'new_type': source.expanded_data_type}) %}
        {% endif %}
    {% endfor %}
    {{ return(changes) }}
{% endmacro %}

{% macro get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
    {{ return(adapter.dispatch('get_merge_update_columns', 'dbt')(merge_update_columns, merge_exclude_columns, dest_columns)) }}
{%- endmacro %}

{# merge_update_columns as they are written, or every column of the target but the excluded ones, quoted. #}
{% macro default__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) %}
    {%- if merge_update_columns and merge_exclude_columns -%}
        {{ exceptions.raise_compiler_error(
            'Model cannot specify merge_update_columns and merge_exclude_columns. Please update model to use only one config'
        ) }}
    {%- elif merge_update_columns -%}
        {%- set update_columns = merge_update_columns -%}
    {%- else -%}
        {%- set excluded = (merge_exclude_columns or []) | map('lower') | list -%}
        {%- set update_columns = [] -%}
        {%- for column in dest_columns if column.column | lower not in excluded -%}
            {%- do update_columns.append(column.quoted) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(update_columns) }}
{% endmacro %}
