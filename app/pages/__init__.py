"""The pages; `registry` lists them, `frame` is what they are made on."""
