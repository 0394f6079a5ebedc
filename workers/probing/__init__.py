"""Linear probes: softmax regressions on embeddings, many settings of weight decay and learning rate at once."""
