"""Unit tests of rules: a file with series and with the transitions and messages that they must lead to."""
