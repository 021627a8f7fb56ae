select *
from {{ ref('stg_d_date') }}
