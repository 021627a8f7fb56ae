select
    user_id,
    age_group,
    household_size,
    region,
    children_under5,
    segment_id,
    joined_on
from {{ source('tv_one', 'users') }}
