"""LGPA, the language-guided patch alignment of FM-CLIP (Liu et al., ACM MM 2024)."""

from __future__ import annotations

from torch import Tensor


def align_with_text(of_patches: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Say what patches say once each was shifted toward the class text it resembles.

    A patch f becomes f' = f + sum_c softmax_c(scale f · t_c) t_c, and is asked again. Of two
    classes with log odds z = scale f · (t_1 - t_0) the shift is σ(-z) t_0 + σ(z) t_1, and as texts
    have length 1, t_1 · (t_1 - t_0) = -t_0 · (t_1 - t_0) = |t_1 - t_0|² / 2. So the new log odds
    are z + scale |t_1 - t_0|² / 2 · (σ(z) - σ(-z)), where the difference is tanh(z / 2): nothing of
    the width of a patch has to be computed.

    Args:
        of_patches: Log odds of each patch before, (n, N).
        text: Class features, normalised, (1, 2, P), or (n, 2, P) for each image its own.
        scale: Factor on cosines, one number.

    Returns:
        Log odds of each patch after, (n, N).
    """
    apart = (text[:, 1] - text[:, 0]).square().sum(dim=-1, keepdim=True)  # (1 or n, 1)
    aligned: Tensor = of_patches + scale * apart / 2 * (of_patches / 2).tanh()
    return aligned
