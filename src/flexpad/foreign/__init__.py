"""Other systems' scores to a score table: bob.pad files, any CSV, challenge submissions.

What a file does not say has to be declared: which way its scores point, what its labels mean, which
split and condition it is of. Nothing is guessed, and nothing is flipped that was not declared so.
Begin with :func:`flexpad.foreign.importing.import_scores`.
"""
