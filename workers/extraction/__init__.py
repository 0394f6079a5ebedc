"""From stimuli to embeddings: loading models (timm), decoding images once, forward passes by a fixed batch plan."""
