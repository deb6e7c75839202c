"""FMM-RPL: a mixture of experts and refined prompts inside CLIP's visual encoder."""
