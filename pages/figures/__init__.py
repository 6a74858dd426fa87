"""Records of `lm_core` become plotly figures; nothing is computed here beyond scaling for display."""
