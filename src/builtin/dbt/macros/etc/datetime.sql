{# Text to a Python datetime. #}
{% macro convert_datetime(date_str, date_fmt) %}
    {% set error_msg -%}
        The provided partition date '{{ date_str }}' does not match the expected format '{{ date_fmt }}'
    {%- endset %}
    {{ return(try_or_compiler_error(error_msg, modules.datetime.datetime.strptime, date_str.strip(), date_fmt)) }}
{% endmacro %}

{# Every day from start to end, both included, as text. #}
{% macro dates_in_range(start_date_str, end_date_str=none, in_fmt="%Y%m%d", out_fmt="%Y%m%d") %}
    {% set end_date_str = start_date_str if end_date_str is none else end_date_str %}
    {% set start_date = convert_datetime(start_date_str, in_fmt) %}
    {% set end_date = convert_datetime(end_date_str, in_fmt) %}
    {% set day_count = (end_date - start_date).days %}
    {% if day_count < 0 %}
        {{ exceptions.raise_compiler_error(
            'Partition start date is after the end date ({}, {})'.format(start_date, end_date)
        ) }}
    {% endif %}
    {% set days = [] %}
    {% for i in range(day_count + 1) %}
        {% do days.append((start_date + modules.datetime.timedelta(i)).strftime(out_fmt)) %}
    {% endfor %}
    {{ return(days) }}
{% endmacro %}

{# One day or "first,last". #}
{% macro partition_range(raw_partition_date, date_fmt='%Y%m%d') %}
    {% set bounds = (raw_partition_date | string).split(',') %}
    {% if bounds | length == 1 %}
        {% set start_date, end_date = bounds[0], none %}
    {% elif bounds | length == 2 %}
        {% set start_date, end_date = bounds[0], bounds[1] %}
    {% else %}
        {{ exceptions.raise_compiler_error(
            'Invalid partition time. Expected format: {Start Date}[,{End Date}]. Got: ' ~ raw_partition_date
        ) }}
    {% endif %}
    {{ return(dates_in_range(start_date, end_date, in_fmt=date_fmt)) }}
{% endmacro %}

{# The local time as 20 digits. #}
{% macro py_current_timestring() %}
    {% do return(modules.datetime.datetime.now().strftime('%Y%m%d%H%M%S%f')) %}
{% endmacro %}
