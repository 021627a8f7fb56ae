{# For packages that ask which engine runs them. #}
{% macro is_core_v2() -%}
    {{ return(False) }}
{%- endmacro %}
