"""Agents: each a TOML file; here is what reads them and what drives them."""
