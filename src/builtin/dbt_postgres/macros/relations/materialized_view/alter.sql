{# Only indexes can differ, and those can be changed in place. #}
{% macro postgres__get_alter_materialized_view_as_sql(relation, configuration_changes, sql, existing_relation, backup_relation, intermediate_relation) %}
    -- apply a full refresh immediately if needed
    {% if configuration_changes.requires_full_refresh %}
        {{ get_replace_sql(existing_relation, relation, sql) }}
    {% else %}
        {{ postgres__update_indexes_on_materialized_view(relation, configuration_changes.indexes) }}
    {% endif %}
{% endmacro %}

{%- macro postgres__update_indexes_on_materialized_view(relation, index_changes) -%}
    {{ log("Applying UPDATE INDEXES to: " ~ relation) }}

    {%- for change in index_changes -%}
        {%- if change.action == 'drop' -%}
            {{ postgres__get_drop_index_sql(relation, change.context.name) }}
        {%- elif change.action == 'create' -%}
            {{ postgres__get_create_index_sql(relation, change.context) }}
        {%- endif -%}
        {{- ';' if not loop.last -}}
    {%- endfor -%}
{%- endmacro -%}

{# Two indexes are the same when they cover the same set of columns, by the same method, and are both unique or not. #}
{% macro postgres__get_materialized_view_configuration_changes(existing_relation, new_config) %}
    {% set described = postgres__describe_materialized_view(existing_relation) %}
    {% set existing = {} %}
    {% for row in described.indexes %}
        {% do existing.update({postgres__index_signature(row['column_names'].split(','), row['unique'], row['method']): row['name']}) %}
    {% endfor %}
    {% set wanted = {} %}
    {% for index_dict in new_config.get('indexes', []) or [] %}
        {% set index = adapter.parse_index(index_dict) %}
        {% set method = index.type or 'btree' %}
        {% do wanted.update({
            postgres__index_signature(index.columns, index.unique, method):
                {'columns': index.columns | list, 'unique': index.unique, 'type': method}
        }) %}
    {% endfor %}
    {% set changes = [] %}
    {% for signature, name in existing.items() if signature not in wanted %}
        {% do changes.append({'action': 'drop', 'context': {'name': name}}) %}
    {% endfor %}
    {% for signature, index_dict in wanted.items() if signature not in existing %}
        {% do changes.append({'action': 'create', 'context': index_dict}) %}
    {% endfor %}
    {% if changes %}
        {{ return({'indexes': changes, 'requires_full_refresh': false}) }}
    {% endif %}
    {{ return(none) }}
{% endmacro %}

{# Text that is equal for equal indexes. #}
{% macro postgres__index_signature(columns, unique, method) %}
    {{ return((columns | map('trim') | sort | join(',')) ~ ' ' ~ ('unique ' if unique else '') ~ method) }}
{% endmacro %}
