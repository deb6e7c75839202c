"""``python -m flexpad``, which is how launchers of several processes start it."""

from flexpad.cli import main

main()
