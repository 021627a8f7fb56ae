{% macro alter_column_comment(relation, column_dict) -%}
    {{ return(adapter.dispatch('alter_column_comment', 'dbt')(relation, column_dict)) }}
{%- endmacro %}

{% macro default__alter_column_comment(relation, column_dict) -%}
    {{ exceptions.raise_not_implemented('alter_column_comment macro not implemented for adapter ' ~ adapter.type()) }}
{%- endmacro %}

{% macro alter_relation_comment(relation, relation_comment) -%}
    {{ return(adapter.dispatch('alter_relation_comment', 'dbt')(relation, relation_comment)) }}
{%- endmacro %}

{% macro default__alter_relation_comment(relation, relation_comment) -%}
    {{ exceptions.raise_not_implemented('alter_relation_comment macro not implemented for adapter ' ~ adapter.type()) }}
{%- endmacro %}

{% macro persist_docs(relation, model, for_relation=true, for_columns=true) -%}
    {{ return(adapter.dispatch('persist_docs', 'dbt')(relation, model, for_relation, for_columns)) }}
{%- endmacro %}

{# The documented columns that the database has; a warning names the rest. #}
{% macro validate_doc_columns(relation, column_dict, existing_column_names) %}
    {% set lower_names = existing_column_names | map('lower') | list %}
    {% set present = {} %}
    {% set missing = [] %}
    {% for name in column_dict %}
        {% if name in existing_column_names or (not column_dict[name].get('quote') and name | lower in lower_names) %}
            {% do present.update({name: column_dict[name]}) %}
        {% else %}
            {% do missing.append(name) %}
        {% endif %}
    {% endfor %}
    {% if missing %}
        {{ exceptions.warn(
            "In relation " ~ relation.render() ~ ": The following columns are specified in the schema but are not present in the database: " ~ missing | join(', ')
        ) }}
    {% endif %}
    {{ return(present) }}
{% endmacro %}

{% macro default__persist_docs(relation, model, for_relation, for_columns) -%}
    {% if for_relation and config.persist_relation_docs() and model.description %}
        {% do run_query(alter_relation_comment(relation, model.description)) %}
    {% endif %}
    {% if for_columns and config.persist_column_docs() and model.columns %}
        {% set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list %}
        {% set documented = validate_doc_columns(relation, model.columns, existing) %}
        {% set alter_comment_sql = alter_column_comment(relation, documented) %}
        {% if alter_comment_sql and alter_comment_sql | trim | length > 0 %}
            {% do run_query(alter_comment_sql) %}
        {% endif %}
    {% endif %}
{% endmacro %}
