"""What every package may use: secrets, files, addresses, numbers, texts."""
