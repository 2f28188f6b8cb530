"""From archives to compressed fields and bytes, and back."""
