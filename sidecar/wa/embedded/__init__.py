"""A pocket multiplexer: real PTYs, screens by libghostty-vt, WezTerm's mux protocol on a Unix socket."""
