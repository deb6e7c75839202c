"""Rendered faces in RGB, depth and 850 nm, bona fide and attacked, without anyone's face.

From who is shown to what is written: ``head`` (the parametric shape), ``person`` with ``skin`` and
``hair`` (somebody), ``motion`` (what they do), ``instruments`` (what is in front of the cameras),
``render``, ``looks``, ``shading`` and ``view`` (what light reaches them), ``sensors`` (what they
record), ``recording`` and ``generate`` (the files) and ``contact_sheet`` (a picture of it all).

The instruments: ``photo`` (what attackers have of a victim); ``sheet`` with ``surface``, ``media``,
``cut`` and ``hand`` (prints); ``replay`` with ``screen``; ``mask`` with ``shell`` and ``coat``,
``paper_mask``, ``mannequin`` and ``novelty_glasses`` (what is worn or stands for a head).
"""
