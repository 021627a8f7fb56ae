{% macro postgres__get_rename_view_sql(relation, new_name) %}
    alter view {{ relation.render() }} rename to {{ new_name }}
{% endmacro %}
