{% macro cast_bool_to_text(field) -%}
    {{ return(adapter.dispatch('cast_bool_to_text', 'dbt')(field)) }}
{%- endmacro %}

{% macro default__cast_bool_to_text(field) %}
  {# the text of a boolean is lower case on Postgres #}
    cast({{ field }} as {{ api.Column.translate_type('string') }})

{% endmacro %}
