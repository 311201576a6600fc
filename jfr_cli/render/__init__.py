"""From models to tables and plain data. Pure: no database, no terminal."""
