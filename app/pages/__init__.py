"""The pages; each module has `page()`, which builds one for the session that asks."""
