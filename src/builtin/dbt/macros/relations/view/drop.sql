{%- macro drop_view(relation) -%}
    {{ adapter.dispatch('drop_view', 'dbt')(relation) }}
{%- endmacro -%}

{%- macro default__drop_view(relation) -%}
    drop view if exists {{ relation.render() }} cascade
{%- endmacro -%}
