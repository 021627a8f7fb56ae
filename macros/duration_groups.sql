{#- The lower edges, in minutes, of the groups of session length. Group 0 is "nothing watched". -#}
{% macro duration_edges() %}
    {{ return([0, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240]) }}
{% endmacro %}

{#- The key that sorts the groups: 0 for no minutes, then 1, 2, … in the order of the edges. -#}
{% macro duration_group_order(minutes) -%}
    case
        when {{ minutes }} <= 0 then 0
        {%- for edge in duration_edges()[1:] %}
        when {{ minutes }} < {{ edge }} then {{ loop.index }}
        {%- endfor %}
        else {{ duration_edges() | length }}
    end
{%- endmacro %}

{#- The label of a sort key of duration_group_order: '0', '0–1', '1–2', … '240+'. -#}
{% macro duration_group_label(order_key) -%}
    {%- set edges = duration_edges() -%}
    case {{ order_key }}
        when 0 then '0'
        {%- for edge in edges[:-1] %}
        when {{ loop.index }} then '{{ edge }}–{{ edges[loop.index] }}'
        {%- endfor %}
        else '{{ edges[-1] }}+'
    end
{%- endmacro %}
