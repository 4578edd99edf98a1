"""What wa knows of each agent: a TOML file apiece, and the loader that joins the user's own to them."""
