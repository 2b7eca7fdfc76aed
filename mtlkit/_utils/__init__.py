"""What several subpackages use; nothing here is public."""
