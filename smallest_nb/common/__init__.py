"""What every package may use: secrets, files, addresses, texts. Imports `errors` only."""
