"""Fine-tuning of VGG-19, and the comparison of the weight sets."""
