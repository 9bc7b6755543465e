"""Fine-tuning of VGG-19."""
