{% set days_da = ['Mandag', 'Tirsdag', 'Onsdag', 'Torsdag', 'Fredag', 'Lørdag', 'Søndag'] -%}
{% set months_da = ['Januar', 'Februar', 'Marts', 'April', 'Maj', 'Juni', 'Juli', 'August', 'September', 'Oktober', 'November', 'December'] -%}
with days as (

    select generate_series(timestamp '2020-01-01', timestamp '2039-12-31', interval '1 day')::date as date_actual

),

parts as (

    select
        date_actual,
        extract(isodow from date_actual)::int as day_of_week,
        extract(isoyear from date_actual)::int as iso_year,
        extract(week from date_actual)::int as iso_week,
        extract(month from date_actual)::int as month_actual,
        extract(quarter from date_actual)::int as quarter_actual,
        extract(year from date_actual)::int as year_actual,
        date_trunc('week', date_actual)::date as first_day_of_week,
        date_trunc('month', date_actual)::date as first_day_of_month,
        date_trunc('quarter', date_actual)::date as first_day_of_quarter,
        date_trunc('year', date_actual)::date as first_day_of_year
    from days

)

select
    to_char(date_actual, 'YYYYMMDD')::int as date_id,
    date_actual,
    day_of_week,
    trim(to_char(date_actual, 'Day')) as day_name,
    (array['{{ days_da | join("', '") }}'])[day_of_week] as day_name_da,
    day_of_week >= 6 as is_weekend,
    extract(day from date_actual)::int as day_of_month,
    extract(doy from date_actual)::int as day_of_year,
    iso_year,
    iso_week,
    to_char(date_actual, 'IYYY-"W"IW') as iso_week_name,
    first_day_of_week,
    first_day_of_week + 6 as last_day_of_week,
    month_actual,
    trim(to_char(date_actual, 'Month')) as month_name,
    (array['{{ months_da | join("', '") }}'])[month_actual] as month_name_da,
    to_char(date_actual, 'YYYY-MM') as year_month,
    first_day_of_month,
    (first_day_of_month + interval '1 month - 1 day')::date as last_day_of_month,
    quarter_actual,
    'Q' || quarter_actual as quarter_name,
    first_day_of_quarter,
    (first_day_of_quarter + interval '3 months - 1 day')::date as last_day_of_quarter,
    year_actual,
    first_day_of_year,
    (first_day_of_year + interval '1 year - 1 day')::date as last_day_of_year
from parts
