{# Text to send in front of the statement that builds the relation. #}
{% macro set_sql_header(config) -%}
  {{ config.set('sql_header', caller()) }}
{%- endmacro %}

{# The config rules over the flag, both ways. #}
{% macro should_full_refresh() %}
  {% set config_full_refresh = config.get('full_refresh') %}
  {% do return(flags.FULL_REFRESH if config_full_refresh is none else config_full_refresh) %}
{% endmacro %}

{% macro should_store_failures() %}
  {% set config_store_failures = config.get('store_failures') %}
  {% do return(flags.STORE_FAILURES if config_store_failures is none else config_store_failures) %}
{% endmacro %}
