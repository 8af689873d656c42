"""Where records are kept in SQL, and how its two engines are opened: a SQLite file, or a PostgreSQL database.

The state of the library and the store of the emulator have this in common; their tables are their own.
"""
