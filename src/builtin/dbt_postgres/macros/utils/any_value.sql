{# Servers before 16 have no any_value; the least value is as good as any. #}
{% macro postgres__any_value(expression) -%}
    min({{ expression }})
{%- endmacro %}
