"""FM-CLIP: enhancers in a frozen CLIP, learned prompts, and patches aligned with the text."""
