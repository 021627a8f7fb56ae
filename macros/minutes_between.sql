{#- Minutes from one timestamp to another as an exact number, so that sums are the same in any order. -#}
{% macro minutes_between(start_time, end_time) -%}
    round(extract(epoch from {{ end_time }} - {{ start_time }}) / 60, 4)::numeric(10, 4)
{%- endmacro %}
