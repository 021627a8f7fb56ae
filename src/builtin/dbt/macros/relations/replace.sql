{% macro get_replace_sql(existing_relation, target_relation, sql) %}
    {% do log('Applying REPLACE to: ' ~ target_relation) %}
    {{ return(adapter.dispatch('get_replace_sql', 'dbt')(existing_relation, target_relation, sql)) }}
{% endmacro %}

{# Views and tables are replaced in place by one of their own kind. Everything else goes the long way round: the new
   relation under its intermediate name if it can be renamed, the old one out of the way, names swapped. #}
{% macro default__get_replace_sql(existing_relation, target_relation, sql) %}

    {% set same_type = existing_relation.type == target_relation.type %}

    {% set staged = target_relation.can_be_renamed %}

    {% if same_type and target_relation.can_be_replaced -%}
        {% if target_relation.is_view %}
        {{ get_replace_view_sql(target_relation, sql) }}
        {% elif target_relation.is_table %}
        {{ get_replace_table_sql(target_relation, sql) }}
        {% else %}
        {{ get_replace_materialized_view_sql(target_relation, sql) }}
        {% endif %}
    {%- elif staged and existing_relation.can_be_renamed -%}
        {{ get_create_intermediate_sql(target_relation, sql) }};
        {{ get_create_backup_sql(existing_relation) }};
        {{ get_rename_intermediate_sql(target_relation) }};
        {{ get_drop_backup_sql(existing_relation) }}
    {%- elif staged -%}
        {{ get_create_intermediate_sql(target_relation, sql) }};
        {{ get_drop_sql(existing_relation) }};
        {{ get_rename_intermediate_sql(target_relation) }}
    {%- elif existing_relation.can_be_renamed -%}
        {{ get_create_backup_sql(existing_relation) }};
        {{ get_create_sql(target_relation, sql) }};
        {{ get_drop_backup_sql(existing_relation) }}
    {%- else -%}
        {{ get_drop_sql(existing_relation) }};
        {{ get_create_sql(target_relation, sql) }}
    {%- endif %}

{% endmacro %}
