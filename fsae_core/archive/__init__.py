"""Climate data in and out: any supported file -> one canonical xarray.Dataset (see `open_archive`)."""
