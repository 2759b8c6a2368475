"""Files in Azure Blob Storage: any account, or Azurite."""
