"""Where records are kept: one protocol, several stores behind one suite of tests."""
