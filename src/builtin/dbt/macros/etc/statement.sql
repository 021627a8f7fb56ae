{# Sends the text of the call block to the database. Under a name the result is kept for load_result; the
   statement named main is also the one written to the run folder and the one whose response the node reports. #}
{%- macro statement(name=None, fetch_result=False, auto_begin=True, language='sql') -%}
    {%- if execute -%}
        {%- set compiled_code = caller() -%}
        {%- if name == 'main' -%}
            {{ log('Writing runtime {} for node "{}"'.format(language, model['unique_id'])) }}
            {{ write(compiled_code) }}
        {%- endif -%}
        {%- if language != 'sql' -%}
            {{ exceptions.raise_compiler_error("statement macro didn't get supported language") }}
        {%- endif -%}
        {%- set response, table = adapter.execute(compiled_code, auto_begin=auto_begin, fetch=fetch_result) -%}
        {%- if name is not none -%}
            {{ store_result(name, response=response, agate_table=table) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Writes the text of the call block and stores a result without sending anything. #}
{% macro noop_statement(name=None, message=None, code=None, rows_affected=None, res=None) -%}
    {%- set text = caller() -%}
    {%- if name == 'main' -%}
        {{ log('Writing runtime SQL for node "{}"'.format(model['unique_id'])) }}
        {{ write(text) }}
    {%- endif -%}
    {%- if name is not none -%}
        {{ store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) }}
    {%- endif -%}
{%- endmacro %}

{# The rows of a query as a table; none while parsing. #}
{% macro run_query(sql) %}
    {% call statement('run_query_statement', fetch_result=true, auto_begin=false) %}
        {{ sql }}
    {% endcall %}
    {% do return(load_result('run_query_statement').table) %}
{% endmacro %}
