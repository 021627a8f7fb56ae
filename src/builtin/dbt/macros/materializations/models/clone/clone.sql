{# A copy of the relation of another environment where the database can make one, else a view of it. #}
{%- materialization clone, default -%}

  {%- set relations = {'relations': []} -%}

  {%- if not defer_relation -%}
      {{ log("No relation found in state manifest for " ~ model.unique_id, info=True) }}
      {{ return(relations) }}
  {%- endif -%}

  {%- set existing_relation = load_cached_relation(this) -%}

  {%- if existing_relation and not flags.FULL_REFRESH -%}
      {{ log("Relation " ~ existing_relation ~ " already exists", info=True) }}
      {{ return(relations) }}
  {%- endif -%}

  {%- set other_existing_relation = load_cached_relation(defer_relation) -%}

  {%- if other_existing_relation and other_existing_relation.type == 'table' and can_clone_table() -%}

      {%- set target_relation = this.incorporate(type='table') -%}
      {%- if existing_relation is not none and not existing_relation.is_table -%}
          {{ drop_relation_if_exists(existing_relation) }}
      {%- endif -%}

      {% call statement('main') %}
          {{ create_or_replace_clone(target_relation, defer_relation) if target_relation != defer_relation else 'select 1' }}
      {% endcall %}

      {% set should_revoke = should_revoke(existing_relation, full_refresh_mode=True) %}
      {% do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke) %}
      {% do persist_docs(target_relation, model) %}

      {{ return({'relations': [target_relation]}) }}

  {%- else -%}

      {# the adapter's own view materialization, if there is one #}
      {%- set name = 'materialization_view_' ~ adapter.type() -%}
      {%- set view_materialization = context[name if name in context else 'materialization_view_default'] -%}
      {{ return(view_materialization()) }}

  {%- endif -%}

{%- endmaterialization -%}
