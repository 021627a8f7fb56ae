{{ config(indexes=[{'columns': ['user_id'], 'unique': true}]) }}

select
    user_id,
    age_group,
    case age_group
        when '18-25' then 1
        when '26-40' then 2
        when '41-60' then 3
        else 4
    end as age_group_order,
    household_size,
    case household_size
        when 1 then '1 person'
        when 2 then '2 persons'
        else '3 or more'
    end as household_group,
    region,
    children_under5,
    segment_id,
    joined_on
from {{ ref('stg_users') }}
