{% macro string_literal(value) -%}
    {{ return(adapter.dispatch('string_literal', 'dbt')(value)) }}
{%- endmacro %}

{# The text is not escaped: see escape_single_quotes. #}
{% macro default__string_literal(value) -%}
    '{{ value }}'
{%- endmacro %}
