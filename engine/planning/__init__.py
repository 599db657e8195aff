"""What a run would do, and why: keys, the ledger of earlier runs, what a workflow requires."""
