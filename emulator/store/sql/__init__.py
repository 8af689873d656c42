"""The store in SQL: a SQLite file for one machine, or a PostgreSQL database that several processes share.

The tables hold what a restart needs, BytedTokens and addresses with their queries included.
"""
