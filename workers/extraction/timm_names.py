"""Prints the names that the installed timm knows, one a line:

python -m workers.extraction.timm_names > backend/domain/timm_names.txt
"""

from __future__ import annotations

from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)

import timm  # isort: skip


def all_names() -> list[str]:
    """Architectures (`resnet18`) and those with a pretrained tag (`resnet18.a1_in1k`), sorted."""
    return sorted({*timm.list_models(), *timm.list_pretrained()})


if __name__ == "__main__":
    print("\n".join(all_names()))
