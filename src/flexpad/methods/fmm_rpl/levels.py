"""What an image answers at its levels, the whole and its patches, and what is made of the answers.

Every answer is a log odds: positive says bona fide.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.alignment import align_with_text
from flexpad.encoders.clip import VisionFeatures

# By name: the levels whose answers make the score.
SCORES = {
    "both": ("global", "local"),
    "global": ("global",),
    "local": ("local",),
    "plain_head": ("plain_head",),
    "all": ("global", "local", "plain_head"),
}

# By name: features in the joint space to those of the whole image, (n, P).
GLOBAL_POOLS: dict[str, Callable[[VisionFeatures], Tensor]] = {
    "class_token": lambda features: features.image,
    "with_mean_patch": lambda features: features.image + features.patches.mean(dim=1),
}


class Patches:
    """Patches of n images held against the classes.

    Args:
        features: Normalised, (n, N, P).
        text: Class features, normalised, (n or 1, 2, P).
        scale: Factor on cosines.

    Attributes:
        direction: From attack to bona fide, scaled, (n or 1, P).
        odds: What each patch answers, (n, N).
    """

    def __init__(self, features: Tensor, text: Tensor, scale: Tensor) -> None:
        self.features = features
        self.text = text
        self.scale = scale
        self.direction = scale * (text[:, 1] - text[:, 0])
        self.odds = (features * self.direction[:, None]).sum(dim=-1)


def clearest(odds: Tensor, share: float) -> Tensor:
    """Mean of the share of answers (n, N) that are farthest from 0, without the label, (n,)."""
    count = max(1, round(share * odds.shape[1]))
    chosen = odds.abs().topk(count, dim=1).indices
    return odds.gather(1, chosen).mean(dim=1)


def aligned(patches: Patches, _: float) -> Tensor:
    """Shift each patch toward the class it resembles, as FM-CLIP's LGPA; mean of all, (n,)."""
    return align_with_text(patches.odds, patches.text, patches.scale).mean(dim=1)


def gathered(patches: Patches, _: float) -> Tensor:
    """Let each class gather the patches that resemble it, and compare what it got, (n,)."""
    similar = patches.scale * patches.features @ patches.text.transpose(1, 2)  # (n, N, 2)
    found = similar.softmax(dim=1).transpose(1, 2) @ patches.features  # (n, 2, P)
    cosine = F.cosine_similarity(found, patches.text.expand_as(found), dim=-1)
    return patches.scale * (cosine[:, 1] - cosine[:, 0])


# By name: patches and the share that counts to one log odds an image, without the label.
LOCAL_POOLS: dict[str, Callable[[Patches, float], Tensor]] = {
    "clearest": lambda patches, share: clearest(patches.odds, share),
    "aligned": aligned,
    "attention": gathered,
}


class PlainHead(nn.Module):
    """A linear head beside the sentences, on the class token and the mean patch.

    Where words say little, as in a small encoder, it teaches the experts what the text cannot. No
    paper on FMM-RPL has it.
    """

    def __init__(self, joint_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * joint_width)
        self.head = nn.Linear(2 * joint_width, 1)

    def forward(self, features: VisionFeatures) -> Tensor:
        """Features in the joint space to log odds, (n,), in fp32."""
        whole, patches = features.image.float(), features.patches.float()
        with torch.autocast(whole.device.type, enabled=False):
            both = torch.cat([whole, patches.mean(dim=1)], dim=-1)
            odds: Tensor = self.head(self.norm(both))
            return odds.squeeze(-1)
