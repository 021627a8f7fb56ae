{# One of the four policies; anything else counts as the default, and the log says so. #}
{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
    {% if on_schema_change in ['sync_all_columns', 'append_new_columns', 'fail', 'ignore'] %}
        {{ return(on_schema_change) }}
    {% endif %}
    {% do log('Invalid value for on_schema_change (' ~ on_schema_change ~ ') specified. Setting default value of ' ~ default ~ '.') %}
    {{ return(default) }}
{% endmacro %}

{% macro check_for_schema_changes(source_relation, target_relation) -%}
    {{ return(adapter.dispatch('check_for_schema_changes', 'dbt')(source_relation, target_relation)) }}
{%- endmacro %}

{% macro default__check_for_schema_changes(source_relation, target_relation) %}
    {%- set source_columns = adapter.get_columns_in_relation(source_relation) -%}
    {%- set target_columns = adapter.get_columns_in_relation(target_relation) -%}
    {%- set source_not_in_target = diff_columns(source_columns, target_columns) -%}
    {%- set target_not_in_source = diff_columns(target_columns, source_columns) -%}
    {%- set new_target_types = diff_column_data_types(source_columns, target_columns) -%}
    {%- set changed = source_not_in_target != [] or target_not_in_source != [] or new_target_types != [] -%}
    {%- set changes_dict = {
        'schema_changed': changed,
        'source_not_in_target': source_not_in_target,
        'target_not_in_source': target_not_in_source,
        'source_columns': source_columns,
        'target_columns': target_columns,
        'new_target_types': new_target_types
    } -%}
    {% do log('In ' ~ target_relation ~ ': schema changed: ' ~ changed ~ ', new columns: ' ~ source_not_in_target ~ ', missing columns: ' ~ target_not_in_source ~ ', new types: ' ~ new_target_types) %}
    {{ return(changes_dict) }}
{% endmacro %}

{% macro sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) -%}
    {{ return(adapter.dispatch('sync_column_schemas', 'dbt')(on_schema_change, target_relation, schema_changes_dict)) }}
{%- endmacro %}

{% macro default__sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) %}
    {%- set added = schema_changes_dict['source_not_in_target'] -%}
    {%- set removed = schema_changes_dict['target_not_in_source'] -%}
    {%- set retyped = schema_changes_dict['new_target_types'] -%}
    {%- if on_schema_change == 'append_new_columns' -%}
        {%- if added | length > 0 -%}
            {%- do alter_relation_add_remove_columns(target_relation, added, none) -%}
        {%- endif -%}
    {%- elif on_schema_change == 'sync_all_columns' -%}
        {%- if added | length > 0 or removed | length > 0 -%}
            {%- do alter_relation_add_remove_columns(target_relation, added, removed) -%}
        {%- endif -%}
        {%- for change in retyped -%}
            {%- do alter_column_type(target_relation, change['column_name'], change['new_type']) -%}
        {%- endfor -%}
    {%- endif -%}
    {% do log('In ' ~ target_relation ~ ': ' ~ on_schema_change ~ ': columns added: ' ~ added ~ ', removed: ' ~ removed ~ ', retyped: ' ~ retyped) %}
{% endmacro %}

{% macro process_schema_changes(on_schema_change, source_relation, target_relation) -%}
    {{ return(adapter.dispatch('process_schema_changes', 'dbt')(on_schema_change, source_relation, target_relation)) }}
{%- endmacro %}

{# The columns to insert: none, as {}, when nothing is compared. #}
{% macro default__process_schema_changes(on_schema_change, source_relation, target_relation) %}
    {% if on_schema_change == 'ignore' %}
        {{ return({}) }}
    {% endif %}
    {% set changes = check_for_schema_changes(source_relation, target_relation) %}
    {% if changes['schema_changed'] %}
        {% if on_schema_change == 'fail' %}
            {% set message %}
              The source and target schemas on this incremental model are out of sync!
              They can be reconciled in several ways:
                - set the `on_schema_change` config to either append_new_columns or sync_all_columns, depending on your situation.
                - Re-run the incremental model with `full_refresh: True` to update the target schema.
                - update the schema manually and re-run the process.

              Additional troubleshooting context:
                 Source columns not in target: {{ changes['source_not_in_target'] }}
                 Target columns not in source: {{ changes['target_not_in_source'] }}
                 New column types: {{ changes['new_target_types'] }}
            {% endset %}
            {% do exceptions.raise_compiler_error(message) %}
        {% else %}
            {% do sync_column_schemas(on_schema_change, target_relation, changes) %}
        {% endif %}
    {% endif %}
    {{ return(changes['source_columns']) }}
{% endmacro %}
