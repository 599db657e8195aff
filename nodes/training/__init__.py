"""How Kinograph Mini is made: its rendered world of captioned clips and the training of its parts."""
