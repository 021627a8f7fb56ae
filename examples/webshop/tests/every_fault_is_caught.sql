-- The list of faults beside what the model found. A delay of less than ten minutes cannot be told from a slow payment.
with listed as (
    select
        row_id::bigint as payment_id,
        bool_or(kind = 'missing') as is_missing,
        bool_or(kind = 'duplicate') as came_twice,
        bool_or(kind = 'corrupted') as is_corrupted,
        bool_or(kind = 'late' and (details ->> 'now')::timestamp - (details ->> 'was')::timestamp > interval '10 minutes') as is_late
    from {{ source('shop', 'payments__faults') }}
    group by 1
)
select *
from {{ ref('payments_checked') }} as p
full join listed as l using (payment_id)
where
    p.is_missing is distinct from coalesce(l.is_missing, false)
    or p.came_twice is distinct from coalesce(l.came_twice, false)
    or p.is_corrupted is distinct from coalesce(l.is_corrupted, false)
    or (l.is_late and not p.is_late)
    or (p.is_late and l.payment_id is null)
