{#- A quotient with four digits; null, not an error, where there is nothing to divide by. -#}
{% macro ratio(part, whole) -%}
    round({{ part }}::numeric / nullif({{ whole }}, 0), 4)
{%- endmacro %}
