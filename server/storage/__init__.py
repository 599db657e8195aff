"""The database and the files, and how damage to them is met."""
