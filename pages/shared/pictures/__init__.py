"""Pictures that several pages draw: probability bars, tables of tokens, formulas, export."""
