"""Plain torch architectures: text encoder, video VAE, diffusion transformer. Imports nothing else of ours."""
