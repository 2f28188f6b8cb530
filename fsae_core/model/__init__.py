"""Networks and what turns them into models of climate fields; they see tensors, never a user's files."""
