{% macro resolve_model_name(input_model_name) -%}
    {{ return(adapter.dispatch('resolve_model_name', 'dbt')(input_model_name)) }}
{%- endmacro %}

{%- macro default__resolve_model_name(input_model_name) -%}
    {{ input_model_name | string | replace('"', '\\"') }}
{%- endmacro -%}

{% macro build_ref_function(model) %}
    {%- set found = {} -%}
    {%- for r in model.refs -%}
        {%- set args = [r.package, r.name] if r.package else [r.name] -%}
        {%- set key = args | join('.') ~ ('.v' ~ r.version if r.version else '') -%}
        {%- do found.update({key: resolve_model_name(ref(*args, v=r.version))}) -%}
    {%- endfor -%}
def ref(*args, **kwargs):
    refs = {{ '{' }}{% for key, name in found.items() %}"{{ key }}": "{{ name }}"{{ ', ' if not loop.last }}{% endfor %}{{ '}' }}
    key = '.'.join(args)
    version = kwargs.get("v") or kwargs.get("version")
    if version:
        key += f".v{version}"
    dbt_load_df_function = kwargs.get("dbt_load_df_function")
    return dbt_load_df_function(refs[key])
{% endmacro %}

{% macro build_source_function(model) %}
    {%- set found = {} -%}
    {%- for args in model.sources -%}
        {%- do found.update({args | join('.'): resolve_model_name(source(*args))}) -%}
    {%- endfor -%}
def source(*args, dbt_load_df_function):
    sources = {{ '{' }}{% for key, name in found.items() %}"{{ key }}": "{{ name }}"{{ ', ' if not loop.last }}{% endfor %}{{ '}' }}
    key = '.'.join(args)
    return dbt_load_df_function(sources[key])
{% endmacro %}

{% macro build_config_dict(model) %}
    {%- set found = {} -%}
    {%- set keys = model.config.config_keys_used or [] -%}
    {%- set defaults = model.config.config_keys_defaults or [] -%}
    {%- for key in keys -%}
        {%- set value = model.config.get(key) -%}
        {%- do found.update({key: defaults[loop.index0] if value is none else value}) -%}
    {%- endfor -%}
config_dict = {{ found }}
meta_dict = {}
{% endmacro %}

{% macro py_script_comment() %}
{% endmacro %}

{% macro py_script_postfix(model) %}
# This part is user provided model code
# you will need to copy the next section to run the code
# COMMAND ----------
# this part is dbt logic for get ref work, do not modify

{{ build_ref_function(model) }}
{{ build_source_function(model) }}
{{ build_config_dict(model) }}

class config:
    def __init__(self, *args, **kwargs):
        pass

    @staticmethod
    def get(key, default=None):
        return config_dict.get(key, default)

    @staticmethod
    def meta_get(key, default=None):
        return meta_dict.get(key, default)

class this:
    """dbt.this() or dbt.this.identifier"""
    database = "{{ this.database }}"
    schema = "{{ this.schema }}"
    identifier = "{{ this.identifier }}"

    def __repr__(self):
        return '{{ this }}'


class dbtObj:
    def __init__(self, load_df_function) -> None:
        self.source = lambda *args: source(*args, dbt_load_df_function=load_df_function)
        self.ref = lambda *args, **kwargs: ref(*args, **kwargs, dbt_load_df_function=load_df_function)
        self.config = config
        self.this = this()
        self.is_incremental = {{ is_incremental() }}

# COMMAND ----------
{{ py_script_comment() }}
{% endmacro %}
