"""`make demo`: the whole product on one screen, on real parts and real input."""
