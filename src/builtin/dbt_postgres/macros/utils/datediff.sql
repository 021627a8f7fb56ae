{# Counts the boundaries crossed. Each finer unit builds on the next coarser one. #}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
    {%- set finer = {
        'quarter':     ['year', ' * 4',  'quarter', 'date'],
        'month':       ['year', ' * 12', 'month',   'date'],
        'hour':        ['day',  ' * 24', 'hour',    'timestamp'],
        'minute':      ['hour', ' * 60', 'minute',  'timestamp'],
    } -%}
    {%- set fractions = {'second': ' * 60', 'millisecond': ' * 60000', 'microsecond': ' * 60000000'} -%}
    {%- if datepart == 'year' %}
        (date_part('year', ({{ second_date }})::date) - date_part('year', ({{ first_date }})::date))
    {% elif datepart == 'day' %}
        (({{ second_date }})::date - ({{ first_date }})::date)
    {% elif datepart == 'week' %}
        ({{ dbt.datediff(first_date, second_date, 'day') }} / 7 + case
            when date_part('dow', ({{ first_date }})::timestamp) <= date_part('dow', ({{ second_date }})::timestamp) then
                case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
            else
                case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
        end)
    {% elif datepart in finer %}
        {%- set coarse, factor, part, type = finer[datepart] %}
        ({{ dbt.datediff(first_date, second_date, coarse) }}{{ factor }} + date_part('{{ part }}', ({{ second_date }})::{{ type }}) - date_part('{{ part }}', ({{ first_date }})::{{ type }}))
    {% elif datepart in fractions %}
        ({{ dbt.datediff(first_date, second_date, 'minute') }}{{ fractions[datepart] }} + floor(date_part('{{ datepart }}', ({{ second_date }})::timestamp)) - floor(date_part('{{ datepart }}', ({{ first_date }})::timestamp)))
    {% else %}
        {{ exceptions.raise_compiler_error("Unsupported datepart for macro datediff in postgres: {!r}".format(datepart)) }}
    {% endif -%}
{%- endmacro %}
