"""The rendered world that Mini learns from: clip descriptions, captions in English and Chinese, and the renderer."""
