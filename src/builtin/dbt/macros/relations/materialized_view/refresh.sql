{%- macro refresh_materialized_view(relation) -%}
    {{ adapter.dispatch('refresh_materialized_view', 'dbt')(relation) }}
{%- endmacro -%}

{% macro default__refresh_materialized_view(relation) -%}
    {{ exceptions.raise_compiler_error("`refresh_materialized_view` has not been implemented for this adapter.") }}
{%- endmacro %}
