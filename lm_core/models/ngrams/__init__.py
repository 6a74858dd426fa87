"""Models that count: `counts` of contexts and what followed, the `model` over them, the `events` of one text, and a
`count_table` that shows the counts as a grid with the lines behind each.
"""
