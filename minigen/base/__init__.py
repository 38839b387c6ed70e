"""What every room uses: helpful errors, seeded dice, files, words as numbers, and where a number comes from."""
