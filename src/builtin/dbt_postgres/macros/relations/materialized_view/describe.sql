{# What of the configuration the database can tell. #}
{% macro postgres__describe_materialized_view(relation) %}
    {% set indexes = run_query(get_show_indexes_sql(relation)) %}
    {% do return({'indexes': indexes}) %}
{% endmacro %}
