"""Plain torch: noise, noise schedules, solvers, guidance. Imports torch and nothing else of ours.

Flow matching (arXiv:2210.02747) in the form of rectified flow (arXiv:2209.03003): a noised latent is
``x = (1 - sigma) * clean + sigma * noise`` with ``sigma`` from 1 (pure noise) to 0 (clean), a model
predicts the velocity ``noise - clean``, and sampling integrates ``dx / dsigma = velocity`` from the start's
sigma down to 0.
"""
