{% macro safe_cast(field, type) -%}
    {{ return(adapter.dispatch('safe_cast', 'dbt')(field, type)) }}
{%- endmacro %}

{# Postgres has no cast that turns bad input into null. #}
{% macro default__safe_cast(field, type) %}
    {# field may be any SQL expression, so it is not quoted #}
    cast({{ field }} as {{ type }})
{% endmacro %}
