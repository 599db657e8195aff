"""Measures of the model by simple computed vision: a checker of clips, the codec gate, prompt adherence."""
