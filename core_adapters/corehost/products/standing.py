"""What of an account's postings stands: SQL for sums of days that leave out what never was.

An order that was undone never was, nor was its undoing; neither counts for a single day. The same
holds for what an end of day posted and was made up for. What was posted late for a date, or again
after an undoing, counts from the day after that date.
"""

STANDING = """
    (p.key NOT GLOB 'undo:*' AND p.key NOT GLOB 'void:*' AND p.kind <> 'fx_void'
     AND NOT EXISTS (SELECT 1 FROM posting u WHERE u.key = 'undo:' || p.key)
     AND NOT EXISTS (SELECT 1 FROM posting v WHERE v.key = 'void:' || p.key)
     AND NOT (p.kind = 'fx_cancel' AND EXISTS
       (SELECT 1 FROM priced_order q JOIN posting v
          ON v.key = 'fx:' || (q.effect ->> 'order') || ':void' WHERE q.used_by = p.key)))
"""
"""Whether the posting `p` stands; an order at a rate that was cancelled, and whose placing was then
undone, was made up for by a posting of kind `fx_void`."""
SINCE = """
    (CASE WHEN p.key GLOB 'day:*'
     THEN (SELECT date(i.date, '+1 day') FROM day_item i WHERE i.key = p.key)
     ELSE p.business_date END)
"""
"""The date from which the posting `p` counts."""
