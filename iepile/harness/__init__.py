"""The corpus as tasks of other evaluation libraries: their models and options, our rows and our scorer.

`inspect_tasks` is for Inspect, `lighteval_tasks` for lighteval. Each imports its library, so neither is imported here.
Both ask the instruction of each row as it stands, and score all answers together as `iepile score` does, since a
record may be asked in several rows.
"""
