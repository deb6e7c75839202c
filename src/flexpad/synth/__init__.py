"""Rendered faces in RGB, depth and 850 nm, bona fide and attacked, without anyone's face.

From who is shown to what is written: ``head`` (the parametric shape), ``person`` with ``skin`` and
``hair`` (somebody), ``motion`` (what they do), ``instruments`` with ``photo``, ``media``, ``sheet``
and ``mask`` (what is held in front of the cameras), ``render``, ``looks``, ``shading`` and ``view``
(what light reaches them), ``sensors`` (what they record), ``recording`` and ``generate`` (the
files) and ``contact_sheet`` (a picture of it all).
"""
