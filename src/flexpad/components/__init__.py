"""What several methods are made of; a method's own parts stand in its folder.

No method imports another, so that what two of them share stands here, and here nothing knows of a
method.
"""
