"""CMS-Enhancer: FM-CLIP without the alignment of patches."""
