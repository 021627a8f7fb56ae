select
    customer_id,
    country,
    joined_on
from {{ source('shop', 'customers') }}
