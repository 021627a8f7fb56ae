{# The macro snapshot_<name>_strategy: of the calling project, or of the package in `package.name`. #}
{% macro strategy_dispatch(name) -%}
  {% set original_name = name %}
  {% set package_name = none %}
  {% set package_context = context %}
  {% if '.' in name %}
    {% set package_name, name = name.split('.', 1) %}
    {% if package_name not in context %}
      {{ exceptions.raise_compiler_error("Could not find package '" ~ package_name ~ "', called with '" ~ original_name ~ "'") }}
    {% endif %}
    {% set package_context = context[package_name] %}
  {% endif %}

  {% set search_name = 'snapshot_' ~ name ~ '_strategy' %}
  {% if search_name not in package_context %}
    {{ exceptions.raise_compiler_error("The specified strategy macro '" ~ name ~ "' was not found in package '" ~ package_name ~ "'") }}
  {% endif %}
  {{ return(package_context[search_name]) }}
{%- endmacro %}

{% macro snapshot_hash_arguments(args) -%}
    {{ return(adapter.dispatch('snapshot_hash_arguments', 'dbt')(args)) }}
{%- endmacro %}

{%- macro default__snapshot_hash_arguments(args) -%}
    md5({%- for arg in args -%}
        coalesce(cast({{ arg }} as varchar ), '')
        {% if not loop.last %} || '|' || {% endif %}
    {%- endfor -%})
{%- endmacro -%}

{# A row has changed when its updated_at is later than the start of the current row. #}
{% macro snapshot_timestamp_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {% set primary_key = config.get('unique_key') %}
    {% set updated_at = config.get('updated_at') %}
    {% set hard_deletes = adapter.get_hard_deletes_behavior(config) %}
    {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}

    {% set row_changed_expr -%}
        ({{ snapshotted_rel }}.{{ columns.dbt_valid_from }} < {{ current_rel }}.{{ updated_at }})
    {%- endset %}

    {% set scd_args = api.Relation.scd_args(primary_key, updated_at) %}
    {% set scd_id_expr = snapshot_hash_arguments(scd_args) %}

    {% do return({
        'unique_key': primary_key,
        'updated_at': updated_at,
        'row_changed': row_changed_expr,
        'scd_id': scd_id_expr,
        'invalidate_hard_deletes': hard_deletes == 'invalidate',
        'hard_deletes': hard_deletes
    }) %}
{% endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}
    {{ return(adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp)) }}
{%- endmacro %}

{% macro default__snapshot_string_as_time(timestamp) %}
    {% do exceptions.raise_not_implemented('snapshot_string_as_time macro not implemented for adapter ' ~ adapter.type()) %}
{% endmacro %}

{# Whether the query has columns to check that the snapshot lacks, and the quoted names of those to compare. #}
{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
    {%- if not target_exists -%}
        {# nothing to compare with #}
        {{ return((false, [])) }}
    {%- endif -%}

    {%- if check_cols_config == 'all' -%}
        {%- set query_columns = get_columns_in_query(node['compiled_code']) -%}
    {%- elif check_cols_config is iterable and check_cols_config | length > 0 -%}
        {# as a query, so that the database folds the case #}
        {%- set query -%}
            select {{ check_cols_config | join(', ') }} from (
                {{ node['compiled_code'] }}
            ) subq
        {%- endset -%}
        {%- set query_columns = get_columns_in_query(query) -%}
    {%- else -%}
        {% do exceptions.raise_compiler_error("Invalid value for 'check_cols': " ~ check_cols_config) %}
    {%- endif -%}

    {%- set target_relation = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- set existing_columns = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
    {%- set found = namespace(column_added=false) -%}
    {%- set intersection = [] -%}
    {%- for name in query_columns -%}
        {%- if name in existing_columns -%}
            {%- do intersection.append(adapter.quote(name)) -%}
        {%- else -%}
            {%- set found.column_added = true -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return((found.column_added, intersection)) }}
{%- endmacro %}

{# A row has changed when one of the compared columns differs, null counting as a value. #}
{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {% set check_cols_config = config.get('check_cols') %}
    {% set primary_key = config.get('unique_key') %}
    {% set hard_deletes = adapter.get_hard_deletes_behavior(config) %}
    {% set updated_at = config.get('updated_at') or snapshot_get_time() %}

    {% set column_added, check_cols = snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) %}

    {%- set row_changed_expr -%}
    (
    {%- if column_added -%}
        {{ get_true_sql() }}
    {%- else -%}
    {%- for col in check_cols -%}
        {{ snapshotted_rel }}.{{ col }} != {{ current_rel }}.{{ col }}
        or
        (
            (({{ snapshotted_rel }}.{{ col }} is null) and not ({{ current_rel }}.{{ col }} is null))
            or
            ((not {{ snapshotted_rel }}.{{ col }} is null) and ({{ current_rel }}.{{ col }} is null))
        )
        {%- if not loop.last %} or {% endif -%}
    {%- endfor -%}
    {%- endif -%}
    )
    {%- endset %}

    {% set scd_args = api.Relation.scd_args(primary_key, updated_at) %}
    {% set scd_id_expr = snapshot_hash_arguments(scd_args) %}

    {% do return({
        'unique_key': primary_key,
        'updated_at': updated_at,
        'row_changed': row_changed_expr,
        'scd_id': scd_id_expr,
        'invalidate_hard_deletes': hard_deletes == 'invalidate',
        'hard_deletes': hard_deletes
    }) %}
{% endmacro %}
