"""What is installed: styles and generators."""
