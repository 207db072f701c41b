"""What is done with costs once they stand in the ledger: explained, priced again, modelled, allocated, reconciled."""
