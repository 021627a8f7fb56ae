{% macro create_columns(relation, columns) -%}
    {{ return(adapter.dispatch('create_columns', 'dbt')(relation, columns)) }}
{%- endmacro %}

{% macro default__create_columns(relation, columns) %}
  {% for column in columns %}
    {% call statement() %}
      alter table {{ relation.render() }} add column {{ adapter.quote(column.name) }} {{ column.expanded_data_type }};
    {% endcall %}
  {% endfor %}
{% endmacro %}

{# A place to clean up after the merge. #}
{% macro post_snapshot(staging_relation) %}
  {{ adapter.dispatch('post_snapshot', 'dbt')(staging_relation) }}
{% endmacro %}

{% macro default__post_snapshot(staging_relation) %}
    {# the staging table is temporary #}
{% endmacro %}

{% macro get_true_sql() %}
  {{ adapter.dispatch('get_true_sql', 'dbt')() }}
{% endmacro %}

{% macro default__get_true_sql() %}
    {{ return('TRUE') }}
{% endmacro %}

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
  {{ adapter.dispatch('snapshot_staging_table', 'dbt')(strategy, source_sql, target_relation) }}
{% endmacro %}

{# The names of the five columns that a snapshot adds, as the config has them. #}
{% macro get_snapshot_table_column_names() %}
    {% set configured = config.get('snapshot_meta_column_names') or {} %}
    {% set names = {} %}
    {% for name in ['dbt_valid_to', 'dbt_valid_from', 'dbt_scd_id', 'dbt_updated_at', 'dbt_is_deleted'] %}
        {% do names.update({name: configured[name] or name}) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{# The changes since the last snapshot: rows to insert, current rows to close because the source changed them and,
   unless hard_deletes is `ignore`, current rows to close because the source lost them. With `new_record` a lost row
   also gets a row that says so, and a row that comes back reopens. #}
{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}
    {% set new_record = strategy.hard_deletes == 'new_record' %}
    {% set find_deletes = new_record or strategy.hard_deletes == 'invalidate' or strategy.invalidate_hard_deletes %}
    {% if new_record %}
        {# a row of its own needs an id of its own: the old id and the time #}
        {% set new_scd_id = snapshot_hash_arguments([columns.dbt_scd_id, snapshot_get_time()]) %}
    {% endif %}
    with snapshot_query as (

        {{ source_sql }}

    ),

    snapshotted_data as (

        select *, {{ unique_key_fields(strategy.unique_key) }}
        from {{ target_relation }}
        where
            {% if config.get('dbt_valid_to_current') %}
                {# rows from before the setting have null #}
                ( {{ equals(columns.dbt_valid_to, config.get('dbt_valid_to_current')) | trim }} or {{ columns.dbt_valid_to }} is null )
            {% else %}
                {{ columns.dbt_valid_to }} is null
            {% endif %}

    ),

    insertions_source_data as (

        select *, {{ unique_key_fields(strategy.unique_key) }},
            {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
            {{ get_dbt_valid_to_current(strategy, columns) }},
            {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}

        from snapshot_query
    ),

    updates_source_data as (

        select *, {{ unique_key_fields(strategy.unique_key) }},
            {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
            {{ strategy.updated_at }} as {{ columns.dbt_valid_to }}

        from snapshot_query
    ),

    {%- if find_deletes %}

    deletes_source_data as (

        select *, {{ unique_key_fields(strategy.unique_key) }}
        from snapshot_query
    ),
    {% endif %}

    insertions as (

        select
            'insert' as dbt_change_type,
            source_data.*
          {%- if new_record -%}
            ,'False' as {{ columns.dbt_is_deleted }}
          {%- endif %}

        from insertions_source_data as source_data
        left outer join snapshotted_data
            on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
            where {{ unique_key_is_null(strategy.unique_key, "snapshotted_data") }}
            or ({{ unique_key_is_not_null(strategy.unique_key, "snapshotted_data") }} and (
               {{ strategy.row_changed }} {%- if new_record -%} or snapshotted_data.{{ columns.dbt_is_deleted }} = 'True' {% endif %}
            )

        )

    ),

    updates as (

        select
            'update' as dbt_change_type,
            source_data.*,
            snapshotted_data.{{ columns.dbt_scd_id }}
          {%- if new_record -%}
            , snapshotted_data.{{ columns.dbt_is_deleted }}
          {%- endif %}

        from updates_source_data as source_data
        join snapshotted_data
            on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
        where (
            {{ strategy.row_changed }} {%- if new_record -%} or snapshotted_data.{{ columns.dbt_is_deleted }} = 'True' {% endif %}
        )
    )

    {%- if find_deletes %}
    ,
    deletes as (

        select
            'delete' as dbt_change_type,
            source_data.*,
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
            {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_to }},
            snapshotted_data.{{ columns.dbt_scd_id }}
          {%- if new_record -%}
            , snapshotted_data.{{ columns.dbt_is_deleted }}
          {%- endif %}
        from snapshotted_data
        left join deletes_source_data as source_data
            on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
            where {{ unique_key_is_null(strategy.unique_key, "source_data") }}

            {%- if new_record %}
            and not (
                --avoid updating the record's valid_to if the latest entry is marked as deleted
                snapshotted_data.{{ columns.dbt_is_deleted }} = 'True'
                and
                {% if config.get('dbt_valid_to_current') -%}
                    snapshotted_data.{{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }}
                {%- else -%}
                    snapshotted_data.{{ columns.dbt_valid_to }} is null
                {%- endif %}
            )
            {%- endif %}
    )
    {%- endif %}

    {%- if new_record %}
        {# columns that the snapshot does not have yet come from the source, that is, as null #}
        {% set snapshotted_names = get_list_of_column_names(get_columns_in_relation(target_relation)) %}
        {% set source_names = get_columns_in_query(source_sql) %}
    ,
    deletion_records as (

        select
            'insert' as dbt_change_type,
            {%- for name in source_names -%}
            {{ 'snapshotted_data' if name in snapshotted_names else 'source_data' }}.{{ adapter.quote(name) }},
            {%- endfor -%}
            {%- if strategy.unique_key is string -%}
            snapshotted_data.dbt_unique_key as dbt_unique_key,
            {%- else -%}
                {%- for key in strategy.unique_key -%}
            snapshotted_data.{{ key }} as dbt_unique_key_{{ loop.index }},
                {% endfor -%}
            {%- endif %}
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
            {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
            snapshotted_data.{{ columns.dbt_valid_to }} as {{ columns.dbt_valid_to }},
            {{ new_scd_id }} as {{ columns.dbt_scd_id }},
            'True' as {{ columns.dbt_is_deleted }}
        from snapshotted_data
        left join deletes_source_data as source_data
            on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
        where {{ unique_key_is_null(strategy.unique_key, "source_data") }}
        and not (
            --avoid inserting a new record if the latest one is marked as deleted
            snapshotted_data.{{ columns.dbt_is_deleted }} = 'True'
            and
            {% if config.get('dbt_valid_to_current') -%}
                snapshotted_data.{{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }}
            {%- else -%}
                snapshotted_data.{{ columns.dbt_valid_to }} is null
            {%- endif %}
            )

    )
    {%- endif %}

    select * from insertions
    union all
    select * from updates
    {%- if find_deletes %}
    union all
    select * from deletes
    {%- endif %}
    {%- if new_record %}
    union all
    select * from deletion_records
    {%- endif %}
{%- endmacro %}

{% macro build_snapshot_table(strategy, sql) -%}
  {{ adapter.dispatch('build_snapshot_table', 'dbt')(strategy, sql) }}
{% endmacro %}

{# The first snapshot: every row of the source is current. #}
{% macro default__build_snapshot_table(strategy, sql) %}
    {% set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}

    select *,
        {{ strategy.scd_id }} as {{ columns.dbt_scd_id }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ get_dbt_valid_to_current(strategy, columns) }}
      {%- if strategy.hard_deletes == 'new_record' -%}
        , 'False' as {{ columns.dbt_is_deleted }}
      {% endif -%}
    from (
        {{ sql }}
    ) sbq

{% endmacro %}

{# Stages the changes in a temporary table; returns it. #}
{% macro build_snapshot_staging_table(strategy, sql, target_relation) %}
    {% set temp_relation = make_temp_relation(target_relation) %}

    {% set select = snapshot_staging_table(strategy, sql, target_relation) %}

    {% call statement('build_snapshot_staging_relation') %}
        {{ create_table_as(True, temp_relation, select) }}
    {% endcall %}

    {% do return(temp_relation) %}
{% endmacro %}

{# The driver's class of the updated_at column; none if the query lacks it. #}
{% macro get_updated_at_column_data_type(snapshot_sql) %}
    {% set found = namespace(data_type=none) %}
    {% for column in get_column_schema_from_query(snapshot_sql) %}
        {% if (column.column | lower) == (config.get('updated_at') | lower) %}
            {% set found.data_type = column.dtype %}
        {% endif %}
    {% endfor %}
    {{ return(found.data_type) }}
{% endmacro %}

{# Warns when updated_at and the clock have types that do not compare well. #}
{% macro check_time_data_types(sql) %}
    {% set updated_at_data_type = get_updated_at_column_data_type(sql) %}
    {% set snapshot_time_data_type = get_snapshot_get_time_data_type() %}
    {% if updated_at_data_type is not none and snapshot_time_data_type is not none and updated_at_data_type != snapshot_time_data_type %}
        {{ exceptions.warn_snapshot_timestamp_data_types(snapshot_time_data_type, updated_at_data_type) }}
    {% endif %}
{% endmacro %}

{# What marks a row as current: null, or the configured expression. #}
{% macro get_dbt_valid_to_current(strategy, columns) %}
  {% set valid_to_current = config.get('dbt_valid_to_current') or "null" %}
  coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ valid_to_current }})
  as {{ columns.dbt_valid_to }}
{% endmacro %}

{% macro unique_key_fields(unique_key) %}
    {% if unique_key is string %}
        {{ unique_key }} as dbt_unique_key
    {% else %}
        {% for key in unique_key %}
            {{ key }} as dbt_unique_key_{{ loop.index }} {{ ',' if not loop.last }}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro unique_key_join_on(unique_key, identifier, from_identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key = {{ from_identifier }}.dbt_unique_key
    {% else %}
        {% for key in unique_key %}
            {% set source_key = identifier ~ '.dbt_unique_key_' ~ loop.index %}
            {% set target_key = from_identifier ~ '.dbt_unique_key_' ~ loop.index %}
            {{ equals(source_key, target_key) | trim }} {{ 'and' if not loop.last }}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Of several keys the first tells whether the joined row is there. #}
{% macro unique_key_is_null(unique_key, identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key is null
    {% else %}
        {{ identifier }}.dbt_unique_key_1 is null
    {% endif %}
{% endmacro %}

{% macro unique_key_is_not_null(unique_key, identifier) %}
    {% if unique_key is string %}
        {{ identifier }}.dbt_unique_key is not null
    {% else %}
        {{ identifier }}.dbt_unique_key_1 is not null
    {% endif %}
{% endmacro %}
