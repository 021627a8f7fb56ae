{#- Minutes as a Danish reader writes them: '455 d. 19 t. 18 m.' (days, hours, minutes). -#}
{% macro danish_duration(minutes) -%}
    concat_ws(
        ' ',
        div(round({{ minutes }}), 1440) || ' d.',
        mod(div(round({{ minutes }}), 60), 24) || ' t.',
        mod(round({{ minutes }}), 60) || ' m.'
    )
{%- endmacro %}

{#- A Danish date such as '4. Okt 2002' as a date; null for any other text. -#}
{% macro danish_date(text) -%}
    {%- set months = ['jan', 'feb', 'mar', 'apr', 'maj', 'jun', 'jul', 'aug', 'sep', 'okt', 'nov', 'dec'] -%}
    make_date(
        substring({{ text }} from '\d{1,2}\. [[:alpha:]]{3}[[:alpha:].]* (\d{4})')::int,
        array_position(
            array['{{ months | join("', '") }}'],
            lower(substring({{ text }} from '\d{1,2}\. ([[:alpha:]]{3})'))
        ),
        substring({{ text }} from '(\d{1,2})\. [[:alpha:]]{3}')::int
    )
{%- endmacro %}

{#- A length such as '10m' or '1t 25m' at the end of a text as an interval; null for any other text. -#}
{% macro danish_length(text) -%}
    case
        when {{ text }} ~ '\d+\s*[tm]\s*$' then
            make_interval(
                hours => coalesce(substring({{ text }} from '(\d+)\s*t(?:\s*\d+\s*m)?\s*$')::int, 0),
                mins => coalesce(substring({{ text }} from '(\d+)\s*m\s*$')::int, 0)
            )
    end
{%- endmacro %}
