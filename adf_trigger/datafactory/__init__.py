"""Client of the Azure Data Factory management REST API (api-version 2018-06-01) over requests."""
