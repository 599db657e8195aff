"""The workflow document as text and data: read, written in one form, compared, merged, composed."""
